"""A client that costs little beside the server it measures: one thread, sockets that stay open, nothing parsed."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, repeat
from urllib.parse import urlencode

CONNECTIONS = 16
SECONDS = 0.5
NUMBERS = count(1)  # no form is posted twice


@dataclass(frozen=True)
class Rate:
    requests: float  # a second
    size: int  # bytes of an answer, with its headers

    @property
    def megabytes(self) -> float:
        return self.requests * self.size / 1e6


def load(port: int, path: str, encoding: str = "br") -> Rate:
    """How often a path is answered in a second, every answer being as long as the first one."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept-Encoding: {encoding}\r\n\r\n".encode()
    return _load(port, repeat(request), expected=200)


def load_form(port: int, path: str, form: dict[str, str]) -> Rate:
    """The same for a form that is posted with another number each time, wherever its fields hold a `{}`."""
    return _load(port, _posts(port, path, form), expected=302)


def _posts(port: int, path: str, form: dict[str, str]) -> Iterator[bytes]:
    secret = "0" * 32  # what a browser would have been given
    head = f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: csrftoken={secret}\r\n"
    for number in NUMBERS:
        body = urlencode({key: value.format(number) for key, value in form.items()} | {"csrfmiddlewaretoken": secret})
        kind = "Content-Type: application/x-www-form-urlencoded"
        yield f"{head}{kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def _load(port: int, requests: Iterator[bytes], *, expected: int) -> Rate:
    size = _size_of_answer(port, next(requests), expected)
    buffer = bytearray(size)
    answered, began = 0, time.perf_counter()
    with selectors.DefaultSelector() as selector, ExitStack() as open_ones:
        for _ in range(CONNECTIONS):
            connection = open_ones.enter_context(socket.create_connection(("127.0.0.1", port)))
            selector.register(connection, selectors.EVENT_READ, connection)
            connection.sendall(next(requests))
        while (took := time.perf_counter() - began) < SECONDS:
            for key, _ in selector.select(1):
                received = key.data.recv_into(buffer, size, socket.MSG_WAITALL)
                assert received == size, "the server hung up"
                answered += 1
                key.data.sendall(next(requests))
    return Rate(answered / took, size)


def _size_of_answer(port: int, request: bytes, expected: int) -> int:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(1 << 16)
    head = answer.partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 %d " % expected), head.splitlines()[0]
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    return len(head) + 4 + int(lines[b"content-length"])
