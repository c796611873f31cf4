"""The signatures of a letter as a table, which `importing` reads back to the same."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings

from accounts.models import User
from ledger.services import witness
from letters.models import Letter
from signatories.tables import COLUMNS, OF_INDIVIDUALS, csv_pieces, xlsx_pieces
from signatories.tables.columns import NAMES, language_of

KINDS = {"csv": csv_pieces, "xlsx": xlsx_pieces}
AT_A_TIME = 2000


def export(letter: Letter, kind: str, *, by: User | None) -> Iterator[bytes]:
    """A file of one of `KINDS`, piece by piece, with every signature in whatever state. Who took it is written down."""
    witness(letter, "exported", by=by)
    with_individuals = letter.signatures.of_individuals().exists()
    columns = (*COLUMNS, *OF_INDIVIDUALS) if with_individuals else COLUMNS
    return KINDS[kind](columns, _rows(letter, columns))


def _rows(letter: Letter, columns: tuple[str, ...]) -> Iterator[list[str]]:
    default = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    of_model = {"organisation": f"name_{default}", "state": "status"} | {
        column: f"name_{language_of(column)}" for column in NAMES
    }
    fields = [of_model.get(column, column) for column in columns]
    for values in letter.signatures.order_by("pk").values_list(*fields).iterator(chunk_size=AT_A_TIME):
        yield [value if isinstance(value, str) else _moment(value) for value in values]


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
