"""CSV of any usual kind: whatever encoding and separator the spreadsheet of its country writes."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.utils.translation import gettext as _

from signatories.tables import columns
from signatories.tables.sources import LAST_ROW, Cells, Unreadable
from signatories.tables.writing import unprotect

SEPARATORS = ",;\t"
SAMPLE = 64 * 1024  # bytes; headings are within
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
SHOWN_AS = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1251": "CP1251"}
WORD = re.compile(r"[^\W\d_]{2,}")
LATIN, CYRILLIC = re.compile("[A-Za-z]"), re.compile("[\u0400-\u04ff]")


class CsvFile:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._encoding = _encoding(file)
        with self._text() as text:
            sample = text.read(SAMPLE)
        self._hinted = re.match(r'"?sep=([,;\t])"?\r?\n', sample)
        self._separator = self._hinted[1] if self._hinted else _separator(sample)
        self.described = _described(self._separator) % {"encoding": SHOWN_AS[self._encoding]}
        self.sheets_left_out: list[str] = []

    def rows(self) -> Iterator[Cells]:
        with self._text() as text:
            if self._hinted:  # a line for the spreadsheet, which does not count it
                text.readline()
            lines = csv.reader(text, delimiter=self._separator, strict=True)
            for number in range(1, LAST_ROW):
                try:
                    cells = next(lines)
                except StopIteration:
                    return
                except csv.Error:
                    yield Cells(number, [], _("A quotation mark here does not close, or stands where none can."))
                else:
                    yield Cells(number, [unprotect(cell) for cell in cells])

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, self._encoding, newline="")
        try:
            yield text
        finally:
            text.detach()


def _encoding(file: IO[bytes]) -> str:
    """By its mark, else the first in which all of the file is text."""
    file.seek(0)
    start = file.read(SAMPLE)
    marked = [encoding for mark, encoding in BOMS.items() if start.startswith(mark)]
    for encoding in marked or _candidates(start):
        if _is_text(file, encoding):
            return encoding
    raise Unreadable(_("The letters of this file can’t be read. Save it as “CSV UTF-8”, or as XLSX."))


def _candidates(start: bytes) -> list[str]:
    """UTF-16 without its mark has a zero in one of the two bytes of what is Latin, of blanks and of separators."""
    if start.count(0) < len(start) / 50:
        return ["utf-8-sig", "cp1251"]
    return ["utf-16-le", "utf-16-be"] if start[1::2].count(0) >= start[::2].count(0) else ["utf-16-be", "utf-16-le"]


def _is_text(file: IO[bytes], encoding: str) -> bool:
    """Whether all of it can be decoded, and one-byte Cyrillic makes words that are Cyrillic.

    Western Europe's one-byte letters are decoded as Cyrillic ones, too: "América" becomes "Amйrica".
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    mixed = pure = 0
    file.seek(0)
    try:
        while piece := file.read(SAMPLE):
            text = decoder.decode(piece)
            if encoding == "cp1251":
                words = [word for word in WORD.findall(text) if CYRILLIC.search(word)]
                foreign = sum(1 for word in words if LATIN.search(word))
                mixed, pure = mixed + foreign, pure + len(words) - foreign
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return mixed <= pure


def _separator(sample: str) -> str:
    """The one by which most headings are known; among equals, the one that makes most columns."""

    def known(separator: str) -> tuple[int, int]:
        lines = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
        try:
            headings = next((line for line in lines if any(line)), [])
        except csv.Error:
            return 0, 0
        return len([column for column in columns.find(headings) if column]), len(headings)

    return max(SEPARATORS, key=known)


def _described(separator: str) -> str:
    return {
        ",": _("CSV in %(encoding)s, separated by commas"),
        ";": _("CSV in %(encoding)s, separated by semicolons"),
        "\t": _("CSV in %(encoding)s, separated by tabs"),
    }[separator]
