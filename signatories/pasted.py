"""A list of organisations as people paste it: out of a mail, a spreadsheet, a file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from babel import Locale
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from signatories.folding import fold_email, fold_name
from signatories.forms.fields import MailboxField, NameField, say

ADDRESS = re.compile(r"""[^\s<>,;"'()|]+@[^\s<>,;"'()|]*[^\s<>,;"'()|.]""")
BETWEEN = " \t,;|"
AROUND = BETWEEN + "<>()"
LONGEST_LINE = 2000
Said = str | Promise


@dataclass(frozen=True)
class Line:
    """A line of the list and what was understood of it; whatever was not is among the problems."""

    number: int
    text: str
    name: str
    email: str
    language: str
    problems: tuple[Said, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Two lines of one key are one invitation."""
        return fold_email(self.email), fold_name(self.name)


def read(text: str, *, language: str) -> list[Line]:
    """The lines of `text` that hold something; `language` is that of the lines which name none.

    An address is found by its shape, the name is what stands before it and is never split: it may hold commas,
    semicolons, slashes and quotes. After the address may stand a language.
    """
    found: list[Line] = []
    first: dict[tuple[str, str], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip(BETWEEN):
            continue
        read_line = _read(number, line, language)
        if not read_line.problems and (before := first.setdefault(read_line.key, number)) != number:
            problem = _("The same name and address stand in line %(number)d.") % {"number": before}
            read_line = Line(number, line, read_line.name, read_line.email, read_line.language, (problem,))
        found.append(read_line)
    return found


def _read(number: int, line: str, language: str) -> Line:
    if len(line) > LONGEST_LINE:
        return Line(number, line, "", "", language, (_("This line is too long to be one organisation’s."),))
    addresses = list(ADDRESS.finditer(line))
    if len(addresses) != 1:
        missing = _("There is no e-mail address in this line.")
        return Line(number, line, "", "", language, (_("Give one e-mail address a line.") if addresses else missing,))
    (address,) = addresses
    name, after = _parts(line[: address.start()], line[address.end() :])
    stated = _language(after) if after else language
    problems = [*_problems_of(name, address.group())]
    if not stated:
        problem = _("“%(text)s” is not understood: after the address only a language can stand, such as en.")
        problems.append(problem % {"text": after[:100]})
    return Line(number, line, name, address.group(), stated or language, tuple(problems))


def _parts(before: str, after: str) -> tuple[str, str]:
    """Name and language; where the address comes first, the name follows it and the language comes last."""
    name, rest = _unquoted(before.strip(AROUND)), after.strip(AROUND)
    if name:
        return name, rest
    head, separator, tail = _last_part(rest)
    if separator and _language(tail):
        return _unquoted(head.strip(AROUND)), tail
    return _unquoted(rest), ""


def _last_part(text: str) -> tuple[str, str, str]:
    place = max(text.rfind(sign) for sign in ";,\t|")
    return (text[:place], text[place], text[place + 1 :].strip(AROUND)) if place >= 0 else (text, "", "")


def _unquoted(name: str) -> str:
    """A name as a spreadsheet quotes it, without these quotes; quotes that belong to it stay."""
    inner = name[1:-1]
    if len(name) < 3 or not (name[0] == name[-1] == '"') or '"' in inner.replace('""', ""):
        return name
    return inner.replace('""', '"')


def _problems_of(name: str, email: str) -> Iterator[Said]:
    yield from _said(NameField(max_length=250, error_messages=say(_("There is no name in this line."))), name)
    yield from _said(MailboxField(max_length=254, error_messages={**say(), "invalid": NOT_AN_ADDRESS}), email)
    if len(fold_name(name)) > 250:
        yield _("This name is too long.")


def _said(field: forms.Field, value: str) -> list[str]:
    try:
        field.clean(value)
    except ValidationError as error:
        return list(error.messages)
    return []


def _language(text: str) -> str:
    """The code of a language of the site, stated by its code or its name in any of these; empty for anything else."""
    stated = text.strip('"').strip().casefold()
    codes = [code for code, _ in settings.LANGUAGES]
    if stated in codes:
        return stated
    named = (code for code in codes for of in codes if _name(code, of) == stated)
    return next(named, "")


def _name(code: str, language: str) -> str:
    return str(Locale.parse(language, sep="-").languages.get(code, "")).casefold()


NOT_AN_ADDRESS = _("This is not an e-mail address that mail can be sent to.")
