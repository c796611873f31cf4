"""Published files, served before any of Django wakes up: no cookie, no database, the same for everyone."""

import hashlib
import mimetypes
import os
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".pdf": "application/pdf",
}
INDEXES = ("index.html", "index.json")
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # the smaller first
KEPT = 32 * 1024 * 1024  # bytes of files kept in memory

Identity = tuple[int, int, int]


@dataclass(frozen=True)
class Representation:
    """One file in the encoding in which it is sent. The tag is of its bytes (RFC 9110, 8.8.3)."""

    data: bytes
    etag: str


class Memory:
    """The files read last: of each path what was found there, and by what another file would be told from it."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, tuple[Identity, Representation]] = OrderedDict()
        self.size = 0
        self.lock = Lock()

    def get(self, path: str) -> Representation:
        """Raises OSError where there is no such file; what was there is then forgotten, too."""
        try:
            identity = _identity(os.stat(path))
            with self.lock:
                kept, found = self.kept.get(path, (None, None))
                if found and kept == identity:
                    self.kept.move_to_end(path)
                    return found
            return self._read(path)
        except OSError:
            with self.lock:
                self._forget(path)
            raise

    def _read(self, path: str) -> Representation:
        with open(path, "rb") as file:
            identity = _identity(os.fstat(file.fileno()))  # of what is read: the tree may have been turned since
            data = file.read()
        found = Representation(data, etag_of(data))
        with self.lock:
            self._forget(path)
            self.kept[path] = identity, found
            self.size += len(data)
            while self.size > KEPT:
                self._forget(next(iter(self.kept)))
        return found

    def _forget(self, path: str) -> None:
        if gone := self.kept.pop(path, None):
            self.size -= len(gone[1].data)


class Published:
    """A WSGI application: published files from `root`, anything else from `application`."""

    def __init__(self, application: WSGIApplication, root: Path, headers: dict[str, str]) -> None:
        self.application = application
        self.root = os.fspath(root)
        self.headers = [("Cache-Control", "no-cache"), ("Accept-Ranges", "bytes"), *headers.items()]
        self.memory = Memory()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            for name in _names(environ["PATH_INFO"]):
                if found := self._find(name, environ.get("HTTP_ACCEPT_ENCODING", "")):
                    return self._answer(environ, start_response, name, *found)
        return self.application(environ, start_response)

    def _find(self, name: str, accepted: str) -> tuple[Representation, str] | None:
        """What is sent for a name, and in which encoding."""
        path = f"{self.root}/{name}"
        for _ in range(2):  # the tree may be turned between the two looks
            for encoding, ending in ENCODINGS.items():
                if accepts(accepted, encoding):
                    try:
                        return self.memory.get(path + ending), encoding
                    except OSError:
                        continue
            try:
                return self.memory.get(path), ""
            except OSError:
                continue
        return None

    def _answer(
        self, environ: WSGIEnvironment, start: StartResponse, name: str, found: Representation, encoding: str
    ) -> Iterable[bytes]:
        headers = [("Content-Type", content_type(name)), ("ETag", found.etag), *self.headers]
        if name.endswith(tuple(TYPES)[:-1]):
            headers.append(("Vary", "Accept-Encoding"))
        if encoding:
            headers.append(("Content-Encoding", encoding))
        if matches(environ.get("HTTP_IF_NONE_MATCH", ""), found.etag):
            start(
                "304 Not Modified",
                [header for header in headers if header[0] not in ("Content-Type", "Content-Encoding")],
            )
            return []
        status, data = "200 OK", found.data
        is_get = environ["REQUEST_METHOD"] == "GET"  # there are ranges of nothing else (RFC 9110, 14.2)
        wanted = byte_range(environ.get("HTTP_RANGE", ""), len(data)) if is_get else None
        if wanted is not None and environ.get("HTTP_IF_RANGE", found.etag) == found.etag:
            if not wanted:
                start(
                    "416 Range Not Satisfiable",
                    [*headers, ("Content-Range", f"bytes */{len(data)}"), ("Content-Length", "0")],
                )
                return []
            status = "206 Partial Content"
            headers.append(("Content-Range", f"bytes {wanted.start}-{wanted.stop - 1}/{len(data)}"))
            data = data[wanted.start : wanted.stop]
        start(status, [*headers, ("Content-Length", str(len(data)))])
        return [data] if is_get else []


def _identity(status: os.stat_result) -> Identity:
    return status.st_ino, status.st_mtime_ns, status.st_size


def etag_of(data: bytes) -> str:
    """A strong validator: the same bytes, the same tag."""
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


@lru_cache(maxsize=1000)
def content_type(name: str) -> str:
    ending = os.path.splitext(name)[1]
    return TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


@lru_cache(maxsize=1000)
def accepts(header: str, encoding: str) -> bool:
    """Whether Accept-Encoding allows an encoding (RFC 9110, 12.5.3); a weight of 0 refuses it."""
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == encoding:
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def matches(header: str, etag: str) -> bool:
    """Whether If-None-Match names a tag, compared weakly (RFC 9110, 13.1.2)."""
    return any(part.strip().removeprefix("W/") in (etag, "*") for part in header.split(",")) if header else False


def byte_range(header: str, size: int) -> range | None:
    """The bytes that Range asks for, empty where it can't be satisfied, None where the header is to be ignored.

    One range only (RFC 9110, 14.2): of several, the whole is sent.
    """
    unit, _, spec = header.partition("=")
    first, dash, last = spec.strip().partition("-")
    if (
        unit.strip() != "bytes"
        or not dash
        or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in (first, last) if part)
    ):
        return None
    if first:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
        return None if last and int(last) < int(first) else range(start, max(start, stop))
    return range(max(size - int(last), 0), size) if last else None


@lru_cache(maxsize=1000)
def _names(path: str) -> tuple[str, ...]:
    """The files that a request path may mean; none where it can't be one of ours."""
    try:
        decoded = path.encode("latin-1").decode()
    except UnicodeError:
        return ()
    parts = decoded.split("/")
    if not decoded.startswith("/") or "\0" in decoded or any(part.startswith(".") for part in parts):
        return ()
    if "" in parts[1:-1] or decoded.endswith(tuple(ENCODINGS.values())):
        return ()
    return tuple(decoded[1:] + index for index in INDEXES) if decoded.endswith("/") else (decoded[1:],)
