"""Published files over WSGI: negotiated, conditional, in ranges, and never anything but them."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory

from publishing import serving
from publishing.serving import Memory, Published, accepts

Get = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture
def get(tmp_path: Path) -> Get:
    root = tmp_path / "current"
    (root / "en").mkdir(parents=True)
    (root / "en" / "index.html").write_bytes(b"plain page")
    (root / "en" / "index.html.gz").write_bytes(b"gzipped")
    (root / "en" / "index.html.br").write_bytes(b"brotli")
    (root / "en" / "letter.pdf").write_bytes(b"%PDF-0123456789")
    (root / "en" / ".hidden").write_bytes(b"no")
    (tmp_path / "secret").write_bytes(b"no")

    def application(environ: Any, start: Any) -> list[bytes]:
        start("404 Not Found", [])
        return [b"computed"]

    published = Published(application, root, {"X-Frame-Options": "DENY"})

    def ask(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        environ = RequestFactory().generic(method, "/", headers=headers).environ
        environ["PATH_INFO"] = path
        answer: dict[str, Any] = {}
        body = b"".join(published(environ, lambda status, found: answer.update(status=status, headers=dict(found))))
        return int(answer["status"][:3]), answer["headers"], body

    return ask


def test_a_page_is_sent_with_what_keeps_it_fresh(get: Get) -> None:
    status, headers, body = get("/en/")
    assert (status, body) == (200, b"plain page")
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["X-Frame-Options"] == "DENY"
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [
        ("gzip, deflate, br", "br", b"brotli"),
        ("gzip", "gzip", b"gzipped"),
        ("br;q=0, gzip;q=0.5", "gzip", b"gzipped"),
        ("identity", None, b"plain page"),
        ("gzip;q=0", None, b"plain page"),
    ],
)
def test_each_reader_gets_an_encoding_it_understands(
    get: Get, accepted: str, encoding: str | None, body: bytes
) -> None:
    status, headers, sent = get("/en/", accept_encoding=accepted)
    assert (status, headers.get("Content-Encoding"), sent) == (200, encoding, body)


def test_each_encoding_has_a_tag_of_its_own_and_answers_to_it(get: Get) -> None:
    tags = {encoding: get("/en/", accept_encoding=encoding)[1]["ETag"] for encoding in ("br", "gzip", "identity")}
    assert len(set(tags.values())) == 3
    status, headers, body = get("/en/", accept_encoding="br", if_none_match=f'"other", W/{tags["br"]}')
    assert (status, body, headers["ETag"]) == (304, b"", tags["br"])
    assert get("/en/", accept_encoding="br", if_none_match=tags["gzip"])[0] == 200


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"%PDF", "bytes 0-3/15"),
        ("bytes=0-0", 206, b"%", "bytes 0-0/15"),
        ("bytes=-4", 206, b"6789", "bytes 11-14/15"),
        ("bytes=10-99", 206, b"56789", "bytes 10-14/15"),
        ("bytes=99-", 416, b"", "bytes */15"),
        ("bytes=4-2", 200, b"%PDF-0123456789", None),
        ("bytes=0-1,4-5", 200, b"%PDF-0123456789", None),
        ("lines=1-2", 200, b"%PDF-0123456789", None),
        ("bytes=-", 200, b"%PDF-0123456789", None),
        ("bytes=-0", 416, b"", "bytes */15"),
        (f"bytes={'9' * 5000}-", 200, b"%PDF-0123456789", None),
    ],
)
def test_ranges(get: Get, asked: str, status: int, body: bytes, content_range: str | None) -> None:
    found, headers, sent = get("/en/letter.pdf", range=asked)
    assert (found, sent, headers.get("Content-Range")) == (status, body, content_range)


def test_a_range_of_what_has_changed_since_is_the_whole(get: Get) -> None:
    etag = get("/en/letter.pdf")[1]["ETag"]
    assert get("/en/letter.pdf", range="bytes=0-3", if_range=etag)[0] == 206
    assert get("/en/letter.pdf", range="bytes=0-3", if_range='"old"')[0] == 200
    assert get("/en/letter.pdf", range="bytes=0-3", if_range=f"W/{etag}")[0] == 200
    assert get("/en/letter.pdf", range="bytes=0-3", if_range="Wed, 05 Aug 2020 00:00:00 GMT")[0] == 200


def test_head_says_what_get_would_without_saying_it(get: Get) -> None:
    status, headers, body = get("/en/", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "10", b"")
    status, headers, body = get("/en/letter.pdf", "HEAD", range="bytes=0-3")
    assert (status, headers["Content-Length"], body) == (200, "15", b"")


@pytest.mark.parametrize(
    "path",
    [
        "/be/", "/en", "/en/../../secret", "/../secret", "//secret", "/en/.hidden", "/en/index.html.gz", "/en/\0", "",
        "/en//", "/en/\xff\xfe",
    ],
)  # fmt: skip
def test_anything_else_is_for_the_application(get: Get, path: str) -> None:
    assert get(path)[2] == b"computed"


def test_only_reading_is_answered(get: Get) -> None:
    assert get("/en/", "POST")[2] == b"computed"


def test_a_new_file_is_seen_at_once(get: Get, tmp_path: Path) -> None:
    old = get("/en/")
    new = tmp_path / "new"
    new.write_bytes(b"later page")
    new.replace(tmp_path / "current" / "en" / "index.html")
    assert (old[2], get("/en/")[2]) == (b"plain page", b"later page")


def test_what_is_gone_is_forgotten(get: Get, tmp_path: Path) -> None:
    assert get("/en/")[0] == 200
    (tmp_path / "current" / "en" / "index.html").unlink()
    assert get("/en/")[2] == b"computed"


def write(path: Path, data: bytes) -> None:
    """As the writer does: a new file takes the place of the old one, and is the later one."""
    new = path.with_name("new")
    new.write_bytes(data)
    new.replace(path)


def test_memory_holds_of_each_file_the_last_version_alone(tmp_path: Path) -> None:
    memory, path = Memory(), tmp_path / "page"
    for number in range(5):
        write(path, b"%d" % number * 1000)
        assert memory.get(str(path)).data == b"%d" % number * 1000
    assert (len(memory.kept), memory.size) == (1, 1000)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        memory.get(str(path))
    assert (len(memory.kept), memory.size) == (0, 0)


def test_memory_is_bounded_and_forgets_what_was_read_longest_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "KEPT", 2500)
    memory = Memory()
    paths = [str(tmp_path / name) for name in "abc"]
    for path in paths:
        Path(path).write_bytes(bytes(1000))
    for path in (paths[0], paths[1], paths[0], paths[2]):
        memory.get(path)
    assert list(memory.kept) == [paths[0], paths[2]]
    Path(paths[1]).write_bytes(bytes(3000))
    assert len(memory.get(paths[1]).data) == 3000, "more than is kept at all"
    assert (list(memory.kept), memory.size) == ([], 0)


def test_a_tree_that_turns_between_look_and_reading_is_not_taken_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, path = Memory(), tmp_path / "page"
    path.write_bytes(b"old")
    look = os.stat

    def turn_after(path: Any) -> os.stat_result:
        found = look(path)
        write(Path(path), b"new")
        return found

    with monkeypatch.context() as race:
        race.setattr(os, "stat", turn_after)
        assert memory.get(str(path)).data == b"new"
    [(identity, _)] = memory.kept.values()
    assert identity[0] == path.stat().st_ino


def test_many_readers_while_files_change_count_every_byte_once(tmp_path: Path) -> None:
    memory, path = Memory(), tmp_path / "page"
    versions = [b"%03d" % number * 1000 for number in range(200)]
    write(path, versions[0])
    wrong: list[bytes] = []

    def read() -> None:
        seen = b""
        while seen != b"end":
            data = memory.get(str(path)).data
            if data < seen or data not in (*versions, b"end"):
                wrong.append(data)
            seen = data

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for version in versions:
        write(path, version)
    write(path, b"end")
    for reader in readers:
        reader.join()
    assert wrong == []
    memory.get(str(path))
    assert memory.size == 3


@pytest.mark.parametrize("header", ["", "gzipped", "x-gzip", "deflate"])
def test_what_is_not_named_is_not_accepted(header: str) -> None:
    assert not accepts(header, "gzip")
