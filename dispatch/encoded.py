"""Sealed PDFs as mails carry them: encoded once, however many offices get one."""

import base64
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeAlias

from dispatch.models import EditionFile
from dispatch.services.editions import stored
from dispatch.smtp import Encoded

HELD = 6  # files that a process keeps encoded: two editions in three languages

Attached: TypeAlias = tuple[int, EditionFile]  # and where in the mail's own part it has its place


def encoded(file: EditionFile) -> Encoded:
    """The published PDF in base64, in lines of 76 that end with CRLF. Raises what `editions.sealed_bytes` raises."""
    return _encoded(file.sealed, file.sha256)


def filled(own: bytes, attached: Iterable[Attached]) -> Iterator[bytes]:
    """The pieces of a mail: its own part, and the PDFs in their places. Raises what `encoded` raises."""
    end = 0
    for place, file in attached:
        yield own[end:place]
        yield encoded(file)
        end = place
    yield own[end:]


@lru_cache(maxsize=HELD)
def _encoded(path: str, sha256: str) -> Encoded:
    return Encoded(base64.encodebytes(stored(path, sha256)).replace(b"\n", b"\r\n"))
