"""Tables as spreadsheets open them, made piece by piece, with no copy on any disk.

What people sent us must not become a formula at whoever opens the file. In CSV, where a cell has no type, a value that
begins with one of `FORMULAS`, or with apostrophes and then one of them, gets one apostrophe more, and reading takes
exactly that one away again; a value that begins with an apostrophe and goes on with anything else is left alone both
ways. In XLSX every cell says that it is text, and nothing is added.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, cast
from xml.sax.saxutils import escape

BOM = "\ufeff"
# The last four are the full-width twins, which some spreadsheets read as the first four.
FORMULAS = "=+\\-@\t\r\n＝＋－＠"
PIECE = 64 * 1024  # bytes

_DANGEROUS = re.compile(f"'*[{FORMULAS}]")
_PROTECTED = re.compile(f"'+[{FORMULAS}]")
# Spreadsheets write "_x0007_" for a character that XML can't hold, and "_x005F_" for a "_" that would begin such a one.
_NOT_IN_XML = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_WRITTEN_OTHERWISE = re.compile("_x(005[Ff]|00[01][0-9A-Fa-f])_")


def protect(text: str) -> str:
    """`text` as a cell of CSV that no spreadsheet takes for a formula."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def unprotect(text: str) -> str:
    """What `protect` was given."""
    return text[1:] if _PROTECTED.match(text) else text


def to_xml(text: str) -> str:
    """`text` as a cell of XLSX."""
    return escape(_NOT_IN_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text))


def from_xml(text: str) -> str:
    """What a cell of XLSX says."""
    return _WRITTEN_OTHERWISE.sub(lambda found: chr(int(found[1], 16)), text)


def csv_pieces(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """A file of CSV, in UTF-8 with the mark by which spreadsheets know it."""
    buffer = io.StringIO(newline="")
    buffer.write(BOM)
    writer = csv.writer(buffer)
    writer.writerow(headings)
    for row in rows:
        writer.writerow([protect(cell) for cell in row])
        if buffer.tell() > PIECE:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def xlsx_pieces(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """A workbook of one sheet. The same rows give the same bytes."""
    pipe = _Pipe()
    with zipfile.ZipFile(cast(IO[bytes], pipe), "w") as archive:
        for name, text in PARTS.items():
            archive.writestr(_entry(name), text)
        with archive.open(_entry(SHEET), "w", force_zip64=True) as sheet:
            sheet.write(SHEET_BEGINS.encode())
            sheet.write(_xml_row(headings, HEADING))
            for row in rows:
                sheet.write(_xml_row(row, TEXT))
                if pipe.waiting > PIECE:
                    yield pipe.taken()
            sheet.write(SHEET_ENDS.encode())
    yield pipe.taken()


class _Pipe:
    """What an archive is written into, and taken from while it grows."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.waiting = 0

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        self.waiting += len(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        piece, self._pieces, self.waiting = b"".join(self._pieces), [], 0
        return piece


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # dated 1980: an archive knows no "undated"
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _xml_row(cells: Sequence[str], style: int) -> bytes:
    begin, end = f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"
    written = "".join(f"{begin}{to_xml(cell)}{end}" if cell else "<c/>" for cell in cells)
    return f"<row>{written}</row>".encode()


# The parts of a workbook. Cells have the format "text", so that what is typed over them stays text, too.
TEXT, HEADING = 1, 2
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
SHEET = "xl/worksheets/sheet1.xml"
SHEET_BEGINS = (
    f'{XML}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
    '<cols><col min="1" max="1" width="40" customWidth="1"/><col min="2" max="20" width="24" customWidth="1"/></cols>'
    "<sheetData>"
)
SHEET_ENDS = "</sheetData></worksheet>"
PARTS = {
    "[Content_Types].xml": (
        f'{XML}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/{SHEET}" ContentType="{TYPE}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{TYPE}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><bookViews><workbookView/></bookViews>'
        '<sheets><sheet name="Signatures" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        f'{XML}<styleSheet xmlns="{MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
        "</styleSheet>"
    ),
}
