"""Tables of signatures: read from whatever a coalition's spreadsheet saves, written so that they come back the same."""

from signatories.tables.columns import COLUMNS, OF_INDIVIDUALS
from signatories.tables.reading import Problem, Row, Table, open_table
from signatories.tables.sources import MAX_BYTES, Unreadable
from signatories.tables.writing import csv_pieces, xlsx_pieces

__all__ = [
    "COLUMNS",
    "MAX_BYTES",
    "OF_INDIVIDUALS",
    "Problem",
    "Row",
    "Table",
    "Unreadable",
    "csv_pieces",
    "open_table",
    "xlsx_pieces",
]
