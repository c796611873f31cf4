"""Looks for a name in bytes of any kind, however it may have been written there on its way."""

import base64
import binascii
import gzip
import io
import json
import quopri
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

import brotli
import pikepdf
from pypdf import PdfReader

CHARSETS = ("utf-8", "utf-16-le", "utf-16-be", "cp1251", "koi8-r", "iso-8859-5")


class Canary:
    """`traces(data)` names the ways in which the word stands in `data`, or in what `data` is packed of."""

    def __init__(self, word: str) -> None:
        self.patterns = dict(_written(word))

    def traces(self, data: bytes) -> list[str]:
        return sorted({how for layer in _layers(data) for how, pattern in self.patterns.items() if pattern in layer})


def _written(word: str) -> Iterator[tuple[str, bytes]]:
    for form in ("NFC", "NFD"):
        for spelt in {unicodedata.normalize(form, text) for text in (word, word.casefold(), word.upper())}:
            for charset in CHARSETS:
                try:
                    plain = spelt.encode(charset)
                except UnicodeEncodeError:
                    continue
                yield f"{charset} {form} {spelt}", plain
                yield f"hexadecimal {charset} {form} {spelt}", binascii.hexlify(plain)
                for offset in range(3):
                    yield f"base64 {charset} {form} {spelt} {offset}", _base64(plain, offset)
            utf8 = spelt.encode()
            yield f"percent {form} {spelt}", quote(spelt).encode()
            yield f"percent, lower case {form} {spelt}", quote(spelt).lower().encode()
            yield f"quoted-printable {form} {spelt}", quopri.encodestring(utf8).replace(b"=\n", b"")
            yield f"JSON {form} {spelt}", json.dumps(spelt)[1:-1].encode()
            yield f"references {form} {spelt}", "".join(f"&#{ord(sign)};" for sign in spelt).encode()
            yield f"hexadecimal references {form} {spelt}", "".join(f"&#x{ord(sign):x};" for sign in spelt).encode()


def _base64(data: bytes, offset: int) -> bytes:
    """As it stands within a longer text that was encoded: what neighbours share bits with is left out."""
    encoded = base64.b64encode(b"\0" * offset + data)
    return encoded[(0, 2, 3)[offset] : (offset + len(data)) * 8 // 6]


def _layers(data: bytes) -> Iterator[bytes]:
    yield data
    yield data.replace(b"=\r\n", b"").replace(b"=\n", b"")  # soft line breaks
    yield b"".join(data.split())  # folded lines
    if data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)
    if data.startswith(b"%PDF"):
        yield from _layers_of_pdf(data)
    with suppress(brotli.error):
        yield brotli.decompress(data)
    with suppress(zlib.error):
        yield zlib.decompress(data)


def _layers_of_pdf(data: bytes) -> Iterator[bytes]:
    """What is read off its pages, its streams uncompressed, and the strings in its objects, as in its metadata."""
    for page in PdfReader(io.BytesIO(data)).pages:
        text = page.extract_text()
        yield text.encode()
        yield "".join(text.split()).encode()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        for found in pdf.objects:
            if isinstance(found, pikepdf.Stream):
                try:
                    yield found.read_bytes()
                except pikepdf.PdfError:  # a picture
                    yield found.read_raw_bytes()
            yield str(found).encode()
            if isinstance(found, pikepdf.Dictionary):
                yield from (bytes(value) for value in found.as_dict().values() if isinstance(value, pikepdf.String))
