"""The registry as a table: written for people to work on, and read again, all or nothing.

Mandated signers are not in it: their names and addresses leave the site in no file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from signatories.countries import country_code
from signatories.folding import fold_name
from signatories.forms.registry import OrganisationForm, other_languages
from signatories.models import Organisation
from signatories.services import registry
from signatories.services.inviting import own_name
from signatories.tables import Problem, Unreadable
from signatories.tables.cells import Cell
from signatories.tables.reading import source_of
from signatories.tables.sources import Cells

MOST_ROWS = 20_000
MOST_PROBLEMS = 200
COLUMNS = (
    "organisation",
    *(
        f"organisation_{code}"
        for code in settings.SHIPPED_LANGUAGES
        if code != settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    ),
    "acronym",
    "other_names",
    "country",
    "website",
    "domains",
    "public_email",
    "member_since",
)


@dataclass
class Outcome:
    """What a table would do, or has done."""

    added: int = 0
    changed: int = 0
    same: int = 0
    problems: list[Problem] = field(default_factory=list)


class _NotKept(Exception):
    """Leaves the transaction, and nothing of it."""


def rows() -> Iterator[list[str]]:
    """Every live record, a cell a column."""
    for organisation in Organisation.objects.live().prefetch_related("aliases"):
        others = [f"organisation_{code}" for code in settings.SHIPPED_LANGUAGES]
        names = {name: getattr(organisation, name.replace("organisation", "name")) or "" for name in others}
        held = {
            **names,
            "organisation": own_name(organisation),
            "acronym": organisation.acronym,
            "other_names": "\n".join(alias.name for alias in organisation.aliases.all()),
            "country": organisation.country,
            "website": organisation.website,
            "domains": " ".join(organisation.domains),
            "public_email": organisation.public_email,
            "member_since": organisation.member_since.isoformat() if organisation.member_since else "",
        }
        yield [held[column] for column in COLUMNS]


def read(file: IO[bytes], *, by: User, keep: bool) -> Outcome:
    """Add and change what the table says; nothing where a row has a problem, or where it is not to be kept.

    A row is of the record that goes by its name in its country. An empty cell changes nothing. Raises `Unreadable`.
    """
    outcome = Outcome()
    try:
        with transaction.atomic():
            _read(file, outcome, by)
            if outcome.problems or not keep:
                raise _NotKept
    except _NotKept:
        pass
    return outcome


def _read(file: IO[bytes], outcome: Outcome, by: User) -> None:
    lines = (line for line in source_of(file).rows() if any(_text(cell) for cell in line.cells) or line.flaw)
    heading = next(lines, None)
    if heading is None:
        raise Unreadable(_("The file is empty."))
    columns = [_text(cell).casefold().replace(" ", "_") for cell in heading.cells]
    if "organisation" not in columns:
        message = _("There is no column “organisation” with the names. These columns are read: %(columns)s.")
        raise Unreadable(message % {"columns": ", ".join(COLUMNS)})
    seen: dict[tuple[str, str], int] = {}
    for count, line in enumerate(lines, start=1):
        if count > MOST_ROWS:
            raise Unreadable(_("The table has more than %(limit)d rows. Divide it.") % {"limit": MOST_ROWS})
        _take(line, columns, seen, outcome, by)
        if len(outcome.problems) >= MOST_PROBLEMS:
            return


def _take(line: Cells, columns: list[str], seen: dict[tuple[str, str], int], outcome: Outcome, by: User) -> None:
    if line.flaw:
        outcome.problems.append(Problem(line.number, "", line.flaw))
        return
    try:
        stated = {name: _text(cell) for name, cell in zip(columns, line.cells, strict=False) if name in COLUMNS}
        form, known = _form(stated)
    except ValidationError as error:
        outcome.problems += [Problem(line.number, "", message) for message in error.messages]
        return
    if not form.is_valid():
        outcome.problems += list(_problems(line.number, form))
        return
    cleaned = form.stated()
    if (before := seen.setdefault((fold_name(cleaned.name), cleaned.country), line.number)) != line.number:
        message = _("The same organisation stands in row %(number)d.") % {"number": before}
        outcome.problems.append(Problem(line.number, "", message))
        return
    _apply(known, cleaned, stated.get("other_names", ""), outcome, by)


def _apply(known: Organisation | None, stated: registry.Stated, aliases: str, outcome: Outcome, by: User) -> None:
    names = [name.strip() for name in aliases.splitlines() if name.strip()]
    if known is None:
        known = registry.add(stated, by=by)
        outcome.added += 1
        is_new = True
    else:
        is_new = False
    there = {known.folded_name, *known.aliases.values_list("folded_name", flat=True)}
    added = [name for name in names if fold_name(name) not in there]
    for name in added:
        registry.add_alias(known, name, by=by)
    if is_new:
        return
    differs = any((getattr(known, column) or "") != (value or "") for column, value in stated.columns().items())
    if differs:
        registry.change(known, stated, by=by)
    if differs or added:
        outcome.changed += 1
    else:
        outcome.same += 1


def _form(stated: dict[str, str]) -> tuple[OrganisationForm, Organisation | None]:
    """The form of the registry, filled in with what is held and, above it, with what the row states."""
    data: dict[str, Any] = {"name" + name.removeprefix("organisation"): text for name, text in _names(stated)}
    data |= {name: stated.get(name, "") for name in ("acronym", "website", "domains", "public_email", "member_since")}
    data["country"] = _country(stated.get("country", ""))
    _check_aliases(stated.get("other_names", ""))
    known = _known(data["name"], data["country"])
    if known:
        held = OrganisationForm.held(known)
        held["domains"] = " ".join(held["domains"])
        held["member_since"] = held["member_since"].isoformat() if held["member_since"] else ""
        data = {name: data.get(name) or value for name, value in held.items()}
    return OrganisationForm(data), known


def _names(stated: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name in ("organisation", *(f"organisation_{code}" for code in other_languages())):
        yield name, stated.get(name, "")


def _country(text: str) -> str:
    code = country_code(text) if text else ""
    if text and not code:
        raise ValidationError(_("“%(text)s” is no country that we know.") % {"text": text[:100]})
    return code


def _check_aliases(text: str) -> None:
    for name in filter(None, (line.strip() for line in text.splitlines())):
        OrganisationForm.base_fields["name"].clean(name)


def _known(name: str, country: str) -> Organisation | None:
    named = Organisation.objects.live().filter(folded_name=fold_name(name[:1000]))
    found = list(named.filter(country=country)[:1] if country else named[:2])
    return found[0] if len(found) == 1 else None


def _problems(number: int, form: OrganisationForm) -> Iterator[Problem]:
    for name, errors in form.errors.items():
        for message in errors:
            yield Problem(
                number, name.replace("name", "organisation", 1) if name.startswith("name") else name, str(message)
            )


def _text(cell: Cell) -> str:
    if isinstance(cell, ValidationError):
        raise cell
    return cell.date().isoformat() if isinstance(cell, datetime) else cell.strip()
