"""The letter on paper: an edition typeset in one language as a tagged PDF (PDF/UA-1).

A pure function of what was frozen: no clock, no network, no font but those in `static/fonts`, so that the same edition
gives the same bytes wherever the same libraries set it.
"""

import atexit
import base64
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import Any

import segno
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format, number_format
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from dispatch import tags
from dispatch.content import presented, signatories_of
from dispatch.models import Edition
from dispatch.states import Failure
from signatories.queries import Signatory

FONTS = settings.BASE_DIR / "static/fonts"
STYLES = settings.BASE_DIR / "templates/pdf/letter.css"
TEXT_FACE = "PTSerif"  # every other family in FONTS lends it the letters that it lacks
QR = "letter:qr"
LOGO = "letter:logo:"
FONT = "font:"
FIRST_STRONG_ISOLATE, POP_DIRECTIONAL_ISOLATE = "\u2068", "\u2069"
NAMES_IN_BLOCKS = 1000  # more than this are run in, or the letter would have hundreds of pages
NAMES_RUN_IN = 100
# Where no line breaks in Belarusian and Russian: after a word of one letter, before a dash, within a date or a number.
UNBROKEN = re.compile(r"(?<=\b[^\W\d_]) | (?=[–—] )|(?<=\d) (?=гг?\.)|(?<=№) ")
UNBROKEN_IN = ("be", "ru")


class CannotTypeset(Exception):
    """Why not, and what is missing, by its name."""

    def __init__(self, failure: Failure, detail: str) -> None:
        self.failure, self.detail = failure, detail

    def __str__(self) -> str:
        return f"{self.failure.label} {self.detail}"


@dataclass(frozen=True)
class Document:
    data: bytes
    pages: int


def render(edition: Edition, language: str) -> Document:
    """Typeset `edition` in `language`. Raises `CannotTypeset` for a letter no font has, or where Pango is missing."""
    return press().print(*_composition(edition, language))


def _composition(edition: Edition, language: str) -> tuple[str, dict[str, bytes]]:
    """The letter as HTML, and its pictures. What they are made of is out of memory before they are set."""
    content = _composed(edition.content)
    require_glyphs(_texts(content, language))
    with translation.override(language):
        context = {**_context(content, language), "created": f"{edition.cut_at:%Y-%m-%dT%H:%M:%SZ}"}
        html = render_to_string("pdf/letter.html", context)
    pictures = {logo["address"]: base64.b64decode(logo["png"]) for logo in context["logos"]}
    return html, {QR: _qr(context["address"]), **pictures}


# What is printed ---------------------------------------------------------------------------------


def _context(content: dict[str, Any], language: str) -> dict[str, Any]:
    """What the template shows, in `language`, which is also the one that is active."""
    text = content["languages"][language]
    recipients = [{"kind": recipient["kind"], **recipient[language]} for recipient in content["recipients"]]
    addressees = [recipient for recipient in recipients if recipient["kind"] == "to"]
    listed = signatories_of(content, language)
    names = [_printed(signatory, language) for signatory in listed.named]
    individuals = [_printed(signatory, language) for signatory in listed.individuals]
    contact_address = text["contact_address"].splitlines()
    address = settings.PUBLIC_URL + reverse("edition", args=[content["letter"], content["number"]])
    return {
        "language": language,
        "content": content,
        "text": text,
        "subject": unbroken(text["subject"], language),
        "dated": date_format(date.fromisoformat(content["dated"])),
        "page": SafeString('<span class="page"></span>'),
        "pages": SafeString('<span class="pages"></span>'),
        "logos": [
            {"address": f"{LOGO}{place}", "png": logo["png"], "name": logo["name"][language]}
            for place, logo in enumerate(content["logos"])
        ],
        "certificate": _in_groups(content["certificate"]),
        "sender": [content["host"], *contact_address],
        "contact": [text["contact_name"], *contact_address, content["contact_email"]],
        "addressees": addressees,
        "salutation": addressees[0]["salutation"],
        "copies": [unbroken(presented(recipient), language) for recipient in recipients if recipient["kind"] == "cc"],
        "parts": list(_parts(text["blocks"], language)),
        "signatories": names,
        "run_in": list(_run_in(names)),
        "count_sentence": _count_sentence(listed.count),
        "withheld_sentence": _withheld_sentence(listed.withheld),
        "individuals": individuals,
        "individuals_run_in": list(_run_in(individuals)),
        "individuals_sentence": _individuals_sentence(listed.individual_count),
        "withheld_individuals_sentence": _withheld_individuals_sentence(listed.withheld_individuals),
        "qr": QR,
        "address": address,
        "address_in_short": address.partition("://")[2],
    }


def _parts(blocks: list[dict[str, str]], language: str) -> Iterator[dict[str, Any]]:
    """Runs of paragraphs and of demands."""
    for is_demands, run in groupby(blocks, key=lambda block: block["kind"] == "demand"):
        yield {"is_demands": is_demands, "texts": [unbroken(block["text"], language) for block in run]}


def unbroken(text: str, language: str) -> str:
    """`text` with spaces at which no line breaks, where the custom of `language` asks for them."""
    return UNBROKEN.sub("\u00a0", text) if language in UNBROKEN_IN else text


def _printed(signatory: Signatory, language: str) -> Signatory:
    return replace(
        signatory,
        name=_in_its_direction(unbroken(signatory.name, language)),
        affiliation=_in_its_direction(unbroken(signatory.affiliation, language)),
    )


def _run_in(names: list[Signatory]) -> Iterator[list[Signatory]]:
    """A long list, in paragraphs; nothing for a short one."""
    if len(names) > NAMES_IN_BLOCKS:
        for start in range(0, len(names), NAMES_RUN_IN):
            yield names[start : start + NAMES_RUN_IN]


def _in_its_direction(name: str) -> str:
    """A name with letters from right to left keeps its order: WeasyPrint knows no <bdi>, Pango knows these signs."""
    reads_left = any(unicodedata.bidirectional(character) in ("R", "AL") for character in name)
    return f"{FIRST_STRONG_ISOLATE}{name}{POP_DIRECTIONAL_ISOLATE}" if reads_left else name


def _count_sentence(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "%(count)s organisation has signed this letter.",
        "%(count)s organisations have signed this letter.",
        count,
    ) % {"count": number_format(count, force_grouping=True)}


def _withheld_sentence(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "and %(count)s organisation whose name is withheld for its safety",
        "and %(count)s organisations whose names are withheld for their safety",
        count,
    ) % {"count": number_format(count, force_grouping=True)}


def _individuals_sentence(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "%(count)s person has signed this letter. Affiliations are for identification only.",
        "%(count)s people have signed this letter. Affiliations are for identification only.",
        count,
    ) % {"count": number_format(count, force_grouping=True)}


def _withheld_individuals_sentence(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "and %(count)s person whose name is withheld for their safety",
        "and %(count)s people whose names are withheld for their safety",
        count,
    ) % {"count": number_format(count, force_grouping=True)}


def _in_groups(fingerprint: str) -> str:
    """Eight at a time, so that two people can compare it aloud."""
    return " ".join(fingerprint[start : start + 8] for start in range(0, len(fingerprint), 8))


def _qr(address: str) -> bytes:
    svg: str = segno.make(address, error="m", micro=False).svg_inline(border=0, omitsize=True)
    return svg.encode()


# What it is printed with -------------------------------------------------------------------------


class Press:
    """WeasyPrint with our fonts and style sheet. Loading it all takes longer than a letter: one `press()` a process."""

    def __init__(self) -> None:
        try:
            import weasyprint
            from weasyprint.text.fonts import FontConfiguration
        except OSError as failure:
            raise CannotTypeset(Failure.LIBRARY, str(failure)) from failure
        self._html: Callable[..., Any] = weasyprint.HTML
        self._fonts = FontConfiguration()
        self._styles = weasyprint.CSS(
            string=_font_faces() + STYLES.read_text(), font_config=self._fonts, url_fetcher=_fetcher({})
        )
        self._one_at_a_time = Lock()  # Pango's font map is not for two threads

    def print(self, html: str, given: dict[str, bytes]) -> Document:
        """The PDF of `html`, whose pictures are among `given`. Raises `CannotTypeset` if it asks for anything else."""
        with self._one_at_a_time, _nothing_else_asked_for():
            source = self._html(string=html, url_fetcher=_fetcher(given))
            document = source.render(stylesheets=[self._styles], font_config=self._fonts)
            data: bytes = document.write_pdf(finisher=tags.complete, pdf_variant="pdf/ua-1")
        return Document(data=data, pages=len(document.pages))


@cache
def press() -> Press:
    return Press()


atexit.register(press.cache_clear)  # its fonts lie in a directory that it can remove only while Python still stands


def _fetcher(given: dict[str, bytes]) -> Any:
    """Hands out what was given and our fonts, and nothing else: an attempt ends the typesetting."""
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    class OnlyGiven(URLFetcher):
        def fetch(self, url: str, headers: Any = None) -> Any:
            if url in given:
                kind = "image/svg+xml" if url == QR else "image/png"
                return URLFetcherResponse(url, given[url], {"Content-Type": kind})
            font = FONTS / url.removeprefix(FONT)
            if url.startswith(FONT) and font in _faces():
                return URLFetcherResponse(url, font.read_bytes(), {"Content-Type": "font/ttf"})
            raise FatalURLFetchingError(url)

    return OnlyGiven()


@contextmanager
def _nothing_else_asked_for() -> Iterator[None]:
    """WeasyPrint lets only a BaseException end its work; ours is one that callers can handle."""
    from weasyprint.urls import FatalURLFetchingError

    try:
        yield
    except FatalURLFetchingError as failure:
        raise CannotTypeset(Failure.ASKED, str(failure)) from failure


# Fonts -------------------------------------------------------------------------------------------


@cache
def _faces() -> tuple[Path, ...]:
    """The font files, named `Family-Style.ttf`, those of the text first."""
    return tuple(sorted(FONTS.glob("*.ttf"), key=lambda path: (_family(path) != TEXT_FACE, path.name)))


def _family(path: Path) -> str:
    return path.stem.partition("-")[0]


def _font_faces() -> str:
    """The fonts as rules of a style sheet, in the order in which they are asked for a letter."""
    rules = [
        f'@font-face {{ font-family: "{_family(path)}"; src: url("{FONT}{path.name}");'
        f" font-weight: {'bold' if 'Bold' in path.stem else 'normal'};"
        f" font-style: {'italic' if 'Italic' in path.stem else 'normal'} }}\n"
        for path in _faces()
    ]
    families = ", ".join(f'"{family}"' for family in dict.fromkeys(map(_family, _faces())))
    return "".join(rules) + f"@page {{ font-family: {families} }} html {{ font-family: {families} }}\n"


@cache
def _glyphs() -> frozenset[int]:
    """The characters that the fonts have between them."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    covered: set[int] = set()
    for path in _faces():
        with TTFont(path, lazy=True) as font:
            covered.update(font.getBestCmap())
    return frozenset(covered)


def require_glyphs(texts: Iterable[str]) -> None:
    """Raise `CannotTypeset` naming the characters that no font has, and where they stand."""
    for text in texts:
        if missing := without_glyph(text):
            raise CannotTypeset(Failure.GLYPH, f"{', '.join(missing)}: “{text}”")


def without_glyph(text: str) -> list[str]:
    """The characters of `text` that no font has, by their names in Unicode."""
    missing = sorted({character for character in text if not _can_be_set(character)})
    return [f"U+{ord(it):04X} {unicodedata.name(it, 'without a name')}" for it in missing]


def _can_be_set(character: str) -> bool:
    """Controls of line and direction need no glyph."""
    return ord(character) in _glyphs() or character.isspace() or unicodedata.category(character) == "Cf"


def _texts(content: dict[str, Any], language: str) -> Iterator[str]:
    """Every text that the letter prints in `language`."""
    for entry in content["signatories"]:
        yield from (entry["name"][language], entry["affiliation"])
    yield from _strings([content["hashtag"], content["host"], content["contact_email"], content["languages"][language]])
    yield from _strings([recipient[language] for recipient in content["recipients"]])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _composed(value: Any) -> Any:
    """`value` as fonts have it: letters and marks as one character (NFC), the hyphen as the one on keyboards."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).replace("\u2010", "-")
    if isinstance(value, dict):
        return {key: _composed(part) for key, part in value.items()}
    return [_composed(part) for part in value] if isinstance(value, list) else value
