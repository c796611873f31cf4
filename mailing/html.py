"""A mail as simple HTML, made of its plain text: the two say the same, and nothing is fetched to show it.

The plain text is written so that it reads well by itself: paragraphs parted by an empty line, a heading underlined with
dashes, a list whose lines begin with "- ", an address of the web or of a mailbox wherever it stands, and our own
address after the "-- " that mail programs know.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from django.template.loader import render_to_string
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

SIGNATURE = "-- "
UNDERLINE = re.compile(r"-{3,}|={3,}")
ITEM = re.compile(r"[-•] +(?P<text>.*)")
ADDRESS = re.compile(
    r"(?P<web>https?://[^\s<>\"“”«»]+)|[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,250}\.[A-Za-z]{2,60}"
)
AFTER_AN_ADDRESS = ".,;:!?)]}'’"  # ends the sentence that the address stands in, and is no part of it


@dataclass(frozen=True)
class Piece:
    """A heading, a paragraph or a list, its lines as HTML."""

    kind: str
    lines: list[SafeString]


def html_of(body: str, *, subject: str, language: str) -> str:
    """The HTML beside the plain text `body`."""
    text, _, foot = f"\n{body}".partition(f"\n{SIGNATURE}\n")
    foot_lines = _lines(foot.strip().splitlines())
    context = {"subject": subject, "language": language, "pieces": pieces(text), "foot": foot_lines}
    return render_to_string("emails/_html.html", context)


def pieces(text: str) -> list[Piece]:
    """`text` as what it consists of."""
    found: list[Piece] = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        found.extend(_pieces([line for line in paragraph.splitlines() if line.strip()]))
    return found


def linked(text: str) -> SafeString:
    """`text` escaped, with its addresses as links that show where they lead."""
    found, end = [], 0
    for match in ADDRESS.finditer(text):
        address = match[0].rstrip(AFTER_AN_ADDRESS)
        found += [conditional_escape(text[end : match.start()]), _link(address, is_web=match["web"] is not None)]
        end = match.start() + len(address)
    return mark_safe("".join([*found, conditional_escape(text[end:])]))  # noqa: S308 - every part is escaped


def _pieces(lines: list[str]) -> Iterator[Piece]:
    while lines:
        if len(lines) > 1 and UNDERLINE.fullmatch(lines[1].strip()):
            yield Piece("heading", _lines(lines[:1]))
            lines = lines[2:]
            continue
        is_list, alike = next((is_item, list(run)) for is_item, run in groupby(lines, key=_is_item))
        if is_list:
            yield Piece("list", _lines([ITEM.sub(r"\g<text>", line) for line in alike]))
        else:
            yield Piece("paragraph", _lines(alike))
        lines = lines[len(alike) :]


def _is_item(line: str) -> bool:
    return bool(ITEM.match(line))


def _lines(lines: list[str]) -> list[SafeString]:
    return [linked(line.strip()) for line in lines]


def _link(address: str, *, is_web: bool) -> SafeString:
    return format_html('<a href="{}">{}</a>', address if is_web else f"mailto:{address}", address)
