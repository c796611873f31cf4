"""XLSX, read as a stream: of what the archive holds, only the first sheet's cells, and never more than a row at a time.

An archive of a few kilobytes can unpack to more than a machine has room for, be it as one row, one cell or one list of
styles. So nothing here becomes a tree: what is not asked for is passed over as it is unpacked.
"""

import posixpath
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import IO
from xml.parsers import expat

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils import column_index_from_string
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

from signatories.tables.cells import Cell
from signatories.tables.sources import LAST_ROW, MAX_COLUMNS, Cells, Unreadable
from signatories.tables.writing import from_xml

MAX_PARTS = 1000
MAX_UNPACKED = 256 * 1024 * 1024  # bytes, of all parts
MAX_KEPT = 48 * 1024 * 1024  # bytes, of a part whose contents are kept while the sheet is read
MAX_STRINGS = 2_500_000
LONGEST_CELL = 32_767  # characters, of any spreadsheet
PIECE = 64 * 1024  # bytes

Attributes = dict[str, str]


class XlsxFile:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        with self._archive() as archive:
            _limit(archive)
            self._book = _book(archive)
        if not self._book.sheets:
            raise Unreadable(_("There is no sheet in this file."))
        first, *others = self._book.sheets
        self.described = f"XLSX, {first}"
        self.sheets_left_out = others

    def rows(self) -> Iterator[Cells]:
        book = self._book
        with self._archive() as archive:
            strings = _strings(archive, book.strings) if book.strings else []
            sheet = _Sheet(strings, _date_styles(archive, book.styles) if book.styles else [], book.epoch)
            with archive.open(next(iter(book.sheets.values()))) as part:
                yield from sheet.rows(part)

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        """The file, opened. What is broken in it shows as whatever the libraries meet, from KeyError to zlib's own."""
        self._file.seek(0)
        try:
            with zipfile.ZipFile(self._file) as archive:
                yield archive
        except Unreadable:
            raise
        except Exception as error:
            message = _("This file is damaged, or not an XLSX file. Open it, and save it as XLSX anew.")
            raise Unreadable(message) from error


@dataclass(frozen=True)
class _Book:
    sheets: dict[str, str]  # parts by name, those that are shown
    strings: str
    styles: str
    epoch: datetime


def _limit(archive: zipfile.ZipFile) -> None:
    """The sizes may lie, but no more than they say is ever unpacked."""
    parts = archive.infolist()
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        _refuse()


def _refuse() -> None:
    raise Unreadable(_("This file holds too much. Keep the one sheet with the signatures, or save it as CSV."))


def _book(archive: zipfile.ZipFile) -> _Book:
    (path,) = [target for kind, target in _relations(archive, "").values() if kind == "officeDocument"]
    relations = _relations(archive, path)
    by_kind = dict(relations.values())
    sheets, epoch = {}, WINDOWS_EPOCH
    for element, attributes in _elements(archive, path):
        if element == "sheet" and attributes.get("state", "visible") == "visible":
            kind, part = relations[attributes["id"]]
            if kind == "worksheet":
                sheets[attributes["name"]] = part
        elif element == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            epoch = MAC_EPOCH
    return _Book(sheets, by_kind.get("sharedStrings", ""), by_kind.get("styles", ""), epoch)


def _relations(archive: zipfile.ZipFile, path: str) -> dict[str, tuple[str, str]]:
    """What a part refers to: kind and part, by the name of the reference."""
    folder, name = posixpath.split(path)
    listed = _elements(archive, posixpath.join(folder, "_rels", f"{name}.rels"))
    return {
        attributes["Id"]: (
            posixpath.basename(attributes["Type"]),
            posixpath.normpath(posixpath.join("/", folder, attributes["Target"])).lstrip("/"),
        )
        for element, attributes in listed
        if element == "Relationship"
    }


def _date_styles(archive: zipfile.ZipFile, path: str) -> list[bool]:
    """Which styles of cells make a number a date."""
    formats, styles, of_cells = dict(BUILTIN_FORMATS), [], False
    for element, attributes in _elements(archive, path):
        if element == "numFmt":
            formats[int(attributes["numFmtId"])] = attributes["formatCode"]
        of_cells |= element == "cellXfs"
        if of_cells and element == "xf":
            styles.append(bool(is_date_format(formats.get(int(attributes.get("numFmtId", 0)), "General"))))
    return styles


def _strings(archive: zipfile.ZipFile, path: str) -> list[str]:
    """The texts that cells refer to by number."""
    found: list[str] = []
    reading = _Text()

    def start(name: str, _attributes: Attributes) -> None:
        reading.start(_local(name))

    def end(name: str) -> None:
        local = _local(name)
        reading.end(local)
        if local == "si":
            found.append(reading.taken())
            if len(found) > MAX_STRINGS:
                _refuse()

    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = reading.data
    for piece in _pieces(archive, path):
        parser.Parse(piece)
    parser.Parse(b"", True)
    return found


def _elements(archive: zipfile.ZipFile, path: str) -> Iterator[tuple[str, Attributes]]:
    """The elements of a part as they begin, by their local names."""
    begun: list[tuple[str, Attributes]] = []

    def start(name: str, attributes: Attributes) -> None:
        begun.append((_local(name), {_local(key): value for key, value in attributes.items()}))

    parser = _parser()
    parser.StartElementHandler = start
    for piece in _pieces(archive, path):
        parser.Parse(piece)
        yield from begun
        begun.clear()
    parser.Parse(b"", True)


def _pieces(archive: zipfile.ZipFile, path: str) -> Iterator[bytes]:
    if archive.getinfo(path).file_size > MAX_KEPT:
        _refuse()
    with archive.open(path) as part:
        while piece := part.read(PIECE):
            yield piece


def _parser() -> expat.XMLParserType:
    """One that knows no entities: a document that declares any is refused."""

    def refuse(*declared: object) -> None:
        raise ValueError("a document type is declared")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    return parser


@lru_cache(maxsize=100)  # a sheet has few, each in every cell
def _local(name: str) -> str:
    return name.rpartition("}")[2]


class _Text:
    """The text within an element: all of its runs, without what tells how to pronounce it."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._wanted = self._aside = False

    def start(self, local: str) -> None:
        self._aside |= local == "rPh"
        self._wanted = local == "t" and not self._aside

    def end(self, local: str) -> None:
        self._aside &= local != "rPh"
        self._wanted = False

    def data(self, text: str) -> None:
        if self._wanted:
            self.add(text)

    def add(self, text: str) -> None:
        self._length += len(text)
        if self._length > LONGEST_CELL:
            _refuse()
        self._pieces.append(text)

    def taken(self) -> str:
        text = from_xml("".join(self._pieces))
        self._pieces.clear()
        self._length = 0
        return text


class _Sheet:
    """Makes rows of what the parser meets."""

    def __init__(self, strings: list[str], date_styles: list[bool], epoch: datetime) -> None:
        self._strings, self._date_styles, self._epoch = strings, date_styles, epoch
        self._done: list[Cells] = []
        self._number = self._column = 0
        self._row: list[Cell] = []
        self._text = _Text()
        self._type, self._style, self._formula = "n", 0, False
        self._in_value = False

    def rows(self, part: IO[bytes]) -> Iterator[Cells]:
        parser = _parser()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._data
        while piece := part.read(PIECE):
            parser.Parse(piece)
            yield from self._done
            self._done.clear()
        parser.Parse(b"", True)

    def _start(self, name: str, attributes: Attributes) -> None:
        local = _local(name)
        if local == "c":
            self._begin_cell(attributes)
        elif local == "v":
            self._in_value = True
        elif local == "row":
            self._number = int(float(attributes.get("r", self._number + 1)))
            self._column, self._row = 0, []
            if self._number > LAST_ROW:
                raise Unreadable(_("The table has more rows than a spreadsheet can have."))
        elif local == "f":
            self._formula = True
        else:
            self._text.start(local)

    def _begin_cell(self, attributes: Attributes) -> None:
        place = attributes.get("r", "").rstrip("0123456789")
        self._column = column_index_from_string(place) if place else self._column + 1
        self._type, self._style = attributes.get("t", "n"), int(attributes.get("s", 0))
        self._formula = False

    def _data(self, text: str) -> None:
        if self._in_value:
            self._text.add(text)
        else:
            self._text.data(text)

    def _end(self, name: str) -> None:
        local = _local(name)
        if local == "c":
            self._end_cell()
        elif local == "v":
            self._in_value = False
        elif local == "row":
            self._done.append(Cells(self._number, self._row))
        else:
            self._text.end(local)

    def _end_cell(self) -> None:
        text = self._text.taken()
        if not text and not self._formula:
            return
        place = min(self._column, MAX_COLUMNS + 1) - 1  # of what stands further on, it is enough that it is there
        self._row += [""] * (place + 1 - len(self._row))
        self._row[place] = self._cell(text)

    def _cell(self, text: str) -> Cell:
        """What stands in a cell, if it is what people typed."""
        if self._formula:
            return ValidationError(_("This cell holds a formula. Put there what the formula gives."))
        if self._type == "s":
            return self._strings[int(text)]
        if self._type in ("str", "inlineStr"):
            return text
        if self._type == "e":
            return ValidationError(_("This cell holds an error of the spreadsheet. Put there what is meant."))
        moment = self._moment(text)
        if moment:
            return moment
        # Of a spreadsheet's own number or truth it is lost how it was typed.
        whole = float(text) if self._type == "n" else 0.5
        if whole.is_integer():
            return str(int(whole))
        return ValidationError(_("This cell holds no text. Format it as text, and type it again."))

    def _moment(self, text: str) -> datetime | None:
        if self._type == "d":
            return datetime.fromisoformat(text)
        if self._type == "n" and self._style < len(self._date_styles) and self._date_styles[self._style]:
            with suppress(ValueError, OverflowError):  # a number that is no day of any calendar
                moment = from_excel(float(text), self._epoch)
                return moment if isinstance(moment, datetime) else None
        return None
