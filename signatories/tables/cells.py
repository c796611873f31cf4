"""What a cell says, cleaned by the rules of the sign form and with its messages."""

import copy
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache
from typing import cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone as clock
from django.utils import translation
from django.utils.translation import gettext as _

from signatories.countries import country_code
from signatories.folding import fold_name
from signatories.forms import SignForm
from signatories.forms.fields import LineField, say
from signatories.models import Signature
from signatories.states import SignatureStatus
from signatories.tables.columns import NAMES

# As a file has it: text, a date that a spreadsheet knows as one, or what has to be said of a cell that is neither.
Cell = str | datetime | ValidationError

OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
# Dates as forms write them, if there is one way only to read them: 08/05/2020 may be in May or in August.
DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,?\s+(\d{1,2}):(\d\d)(?::(\d\d))?)?")
OF_FORMS = re.compile(
    r"(\d{4})/(\d{1,2})/(\d{1,2})\s+(\d{1,2}):(\d\d):(\d\d)(?:\s+([AaPp])\.?[Mm]\.?)?(?:\s+GMT([+-]\d{1,2})?(?::?(\d\d))?)?"
)


def clean(column: str, cell: Cell) -> str:
    """The text of a cell in `column` as it is kept. Raises ValidationError with what has to be done about it."""
    if isinstance(cell, ValidationError):
        raise cell
    if column == "signed_at":
        return _moment(cell)
    if isinstance(cell, datetime):
        raise ValidationError(_("The spreadsheet took this for a date. Format the cell as text, and type it again."))
    return _cleaners()[column](cell)


@cache
def _cleaners() -> dict[str, Callable[[str], str]]:
    name = _of_form("name", required=True)
    return {
        "organisation": lambda text: _name(name, text),
        **{column: _of_form("name").clean for column in NAMES},
        **{column: _of_form(column).clean for column in ("website", "representative", "role", "email")},
        "country": _country,
        "visibility": _visibility,
        "state": _state,
        "kind": _kind,
        "affiliation": LineField(required=False, max_length=250, error_messages=say()).clean,
    }


def _of_form(name: str, *, required: bool = False) -> forms.Field:
    field = copy.deepcopy(SignForm.base_fields[name])
    field.required = required
    return field


def _name(field: forms.Field, text: str) -> str:
    name: str = field.clean(text)
    if len(fold_name(name)) > 250:
        raise ValidationError(_("This name is too long."))
    return name


@lru_cache(maxsize=500)  # the same few words in every row; what is wrong is looked at, and told, each time
def _country(text: str) -> str:
    if not text.strip():
        return ""
    code = country_code(text)
    if not code:
        raise ValidationError(
            _("This is no country that we know. Write one country, by its name or its code, as in BY.")
        )
    return code


@lru_cache(maxsize=500)
def _visibility(text: str) -> str:
    return _chosen(text, _visibilities(), _("Write “public” or “withheld”, or leave this empty."))


@lru_cache(maxsize=500)
def _state(text: str) -> str:
    message = _("Write one of these states, or leave this empty: %(states)s.")
    return _chosen(text, _states(), message % {"states": ", ".join(SignatureStatus.values)})


@lru_cache(maxsize=500)
def _kind(text: str) -> str:
    return _chosen(text, _kinds(), _("Write “organisation” or “individual”, or leave this empty."))


def _chosen(text: str, known: dict[str, str], message: str) -> str:
    if not text.strip():
        return ""
    try:
        return known[fold_name(text)]
    except KeyError:
        raise ValidationError(message) from None


@cache
def _visibilities() -> dict[str, str]:
    """The values in the words of the desk and of the form, in each language."""
    question = SignForm.base_fields["visibility"]
    assert isinstance(question, forms.ChoiceField)
    asked = cast(Iterable[tuple[str, object]], question.choices)
    return _in_every_language([*Signature.Visibility.choices, *asked])


@cache
def _states() -> dict[str, str]:
    return _in_every_language([*SignatureStatus.choices])


@cache
def _kinds() -> dict[str, str]:
    return _in_every_language([*Signature.Kind.choices])


def _in_every_language(choices: Sequence[tuple[str, object]]) -> dict[str, str]:
    found = {fold_name(value): value for value, _label in choices}
    for language in settings.SHIPPED_LANGUAGES:
        with translation.override(language):
            found |= {fold_name(str(label)): value for value, label in choices}
    return found


def _moment(cell: str | datetime) -> str:
    """A moment in UTC, in ISO 8601; what names no zone is taken for UTC."""
    if isinstance(cell, str) and not cell.strip():
        return ""
    try:
        moment = cell if isinstance(cell, datetime) else _read_moment(cell.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        message = _("Write the day and the hour in UTC like this: 2020-08-05T12:00:00Z.")
        raise ValidationError(message) from None
    if not OLDEST <= moment <= clock.now() + timedelta(days=1):
        raise ValidationError(_("Nobody can have signed then. Look at the year of this date."))
    return moment.isoformat().replace("+00:00", "Z")


def _read_moment(text: str) -> datetime:
    if found := DOTTED.fullmatch(text):
        day, month, year, hour, minute, second = (int(part or 0) for part in found.groups())
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - its zone is not said
    if found := OF_FORMS.fullmatch(text):
        year, month, day, hour, minute, second = map(int, found.groups()[:6])
        half, hours, minutes = found.groups()[6:]
        if half:
            hour = hour % 12 + (12 if half.lower() == "p" else 0)
        offset = timedelta(hours=int(hours or 0))
        offset += timedelta(minutes=int(minutes or 0)) * (-1 if (hours or "").startswith("-") else 1)
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
    return datetime.fromisoformat(text)
