"""What the kinds of files have in common: rows of cells, as the file has them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from signatories.tables.cells import Cell

MAX_BYTES = 32 * 1024 * 1024  # of a file
MAX_ROWS = 200_000  # that say something
MAX_COLUMNS = 200
LAST_ROW = 1_048_576  # of any spreadsheet


class Unreadable(Exception):
    """The file can't be taken for a table of signatures. Says why, in the reader's language."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A row, numbered as spreadsheets number it; `flaw` says why it can't be divided into cells."""

    number: int
    cells: list[Cell]
    flaw: str = ""


class Source(Protocol):
    """A file of one kind."""

    described: str  # what it was taken for, for people to see whether that is right
    sheets_left_out: list[str]

    def rows(self) -> Iterator[Cells]:
        """All of them from the first, as often as asked for. Raises `Unreadable`."""
        ...
