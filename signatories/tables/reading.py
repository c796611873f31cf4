"""A table of signatures as a coalition keeps it, a row at a time: what it says, and what is wrong with it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from signatories.tables import columns
from signatories.tables.cells import Cell, clean
from signatories.tables.csv_files import CsvFile
from signatories.tables.sources import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Cells, Source, Unreadable

ZIP, OLD_OFFICE, PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF"


@dataclass(frozen=True, slots=True)
class Problem:
    row: int  # as the spreadsheet numbers it
    heading: str  # of the column, in the file's own words; "" for the row as a whole
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file. `values` has each of our columns that the file has and that could be read."""

    number: int
    values: dict[str, str]
    problems: list[Problem]


@dataclass(frozen=True)
class Table:
    """A file whose headings are understood."""

    source: Source
    headings: dict[str, str]  # the file's own words, by our columns
    unread: list[str]  # headings that stand for none of our columns
    heading_row: int
    places: dict[str, int]
    width: int

    @property
    def described(self) -> str:
        """What the file was taken for, for people to see whether that is right."""
        return self.source.described

    @property
    def sheets_left_out(self) -> list[str]:
        return self.source.sheets_left_out

    def rows(self) -> Iterator[Row]:
        """Those that say something, read anew each time. Raises `Unreadable` where the file is broken further on."""
        told = 0
        for line in self.source.rows():
            if line.number <= self.heading_row or self._is_blank(line):
                continue
            told += 1
            if told > MAX_ROWS:
                raise Unreadable(_("The table has more than %(limit)d rows. Divide it.") % {"limit": MAX_ROWS})
            yield self._row(line)

    def _is_blank(self, line: Cells) -> bool:
        return not line.flaw and not any(map(_says_something, (self._cell(line, column) for column in self.places)))

    def _cell(self, line: Cells, column: str) -> Cell:
        place = self.places[column]
        return line.cells[place] if place < len(line.cells) else ""

    def _row(self, line: Cells) -> Row:
        values: dict[str, str] = {}
        problems = [Problem(line.number, "", flaw) for flaw in self._flaws(line)]
        for column in self.places if not line.flaw else ():
            try:
                values[column] = clean(column, self._cell(line, column))
            except ValidationError as error:
                problems += [Problem(line.number, self.headings[column], message) for message in error.messages]
        return Row(line.number, values, problems)

    def _flaws(self, line: Cells) -> Iterator[str]:
        if line.flaw:
            yield line.flaw
        if any(map(_says_something, line.cells[self.width :])):
            yield _(
                "This row has more cells than there are headings. Put quotation marks around what holds a separator."
            )


def open_table(file: IO[bytes]) -> Table:
    """`file`, which can be sought in and stays open, as a table. Raises `Unreadable`."""
    source = source_of(file)
    for line in source.rows():
        if line.flaw:
            raise Unreadable(line.flaw)
        if any(map(_says_something, line.cells)):
            return _table(source, line)
    raise Unreadable(_("The file is empty."))


def source_of(file: IO[bytes]) -> Source:
    """The rows of a file of any kind that we read. Raises `Unreadable`."""
    size = file.seek(0, os.SEEK_END)
    if size > MAX_BYTES:
        limit = MAX_BYTES // 1024 // 1024
        raise Unreadable(_("The file is larger than %(limit)d MB. Divide it.") % {"limit": limit})
    file.seek(0)
    start = file.read(4)
    if start == ZIP:
        from signatories.tables.xlsx_files import XlsxFile  # with a large library, in memory only for such a file

        return XlsxFile(file)
    if start in (OLD_OFFICE, PDF):
        raise Unreadable(
            _("This is no CSV or XLSX file, or it wants a password. Open it, and save it as XLSX without one.")
        )
    return CsvFile(file)


def _table(source: Source, line: Cells) -> Table:
    headings = [cell.strip() if isinstance(cell, str) else "" for cell in line.cells]
    while headings and not headings[-1]:
        headings.pop()
    if len(headings) > MAX_COLUMNS:
        raise Unreadable(_("The table has more than %(limit)d columns.") % {"limit": MAX_COLUMNS})
    found = columns.find(headings)
    places = {column: place for place, column in enumerate(found) if column}
    _check(headings, found)
    return Table(
        source=source,
        headings={column: headings[place] for column, place in places.items()},
        unread=[heading for heading, column in zip(headings, found, strict=True) if heading and not column],
        heading_row=line.number,
        places=places,
        width=len(headings),
    )


def _check(headings: list[str], found: list[str]) -> None:
    for column in filter(None, found):
        same = [heading for heading, other in zip(headings, found, strict=True) if other == column]
        if len(same) > 1:
            message = _("Several columns say the same: %(headings)s. Rename those that are not to be imported.")
            raise Unreadable(message % {"headings": _listed(same)})
    if "organisation" not in found:
        message = _("There is no column “organisation” with the names. The first row has: %(headings)s.")
        raise Unreadable(message % {"headings": _listed(headings)})


def _listed(headings: list[str]) -> str:
    shown = [_shown(" ".join(heading.split())[:40]) for heading in headings if heading][:20]
    return ", ".join(_("“%(heading)s”") % {"heading": heading} for heading in shown)


def _shown(text: str) -> str:
    """What a terminal must not be told is shown to be there."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _says_something(cell: Cell) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else True
