"""A line to a mail server on which nobody waits for longer than a moment without looking up.

`smtplib` waits in one piece, up to its timeout, for each byte that a server may or may not send. Here every wait is cut
into moments, between which `on_the_way` is called: what it raises ends the conversation there and then. The timeout is
for the whole of an answer, and for the whole of what is sent in one go, however many bytes it trickles in by.
"""

import contextlib
import io
import os
import select
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

LONGEST = 64 * 1024  # bytes of one answer; nobody means more than that


def nothing() -> None:
    """What is done on the way where nothing is to be done."""


class WatchedSMTP(smtplib.SMTP):
    """`moment` is how long it may be, in seconds, until `on_the_way` is called again."""

    on_the_way: Callable[[], None] = staticmethod(nothing)
    moment: float = 1.0
    looked_up_at: float = 0.0

    def reach(self, host: str, port: int) -> tuple[int, bytes]:
        """`connect`, with all that was set before; what the server says first."""
        self._host = host  # whom TLS expects to meet
        return self.connect(host, port)

    def secure(self) -> None:
        """`starttls`, with a server whose certificate somebody vouches for."""
        self.starttls(context=Handshakes(self, ssl.create_default_context()))  # type: ignore[call-overload]

    def look_up(self) -> None:
        """Call `on_the_way`, if the last time is a moment ago."""
        if time.monotonic() - self.looked_up_at >= self.moment:
            self.on_the_way()
            self.looked_up_at = time.monotonic()

    def patiently(self, line: socket.socket, do: Callable[..., Any], *given: Any, until: float) -> Any:
        """Call `do`, which waits for `line`, again and again until it is through. Raises `TimeoutError`."""
        while (left := until - time.monotonic()) > 0:
            line.settimeout(min(self.moment, left))
            try:
                return do(*given)
            except TimeoutError:
                self.look_up()
        raise TimeoutError("timed out")

    def send(self, s: Any) -> None:
        if not self.sock:
            raise smtplib.SMTPServerDisconnected("The line is closed.")
        rest = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        until = time.monotonic() + self.timeout
        while rest:
            self.look_up()
            try:
                rest = rest[self.patiently(self.sock, self.sock.send, rest, until=until) :]
            except OSError as trouble:
                self.close()
                raise smtplib.SMTPServerDisconnected(str(trouble) or type(trouble).__name__) from trouble

    def getreply(self) -> tuple[int, bytes]:
        if self.sock:
            self.file = io.BufferedReader(_Answer(self, self.sock))  # nothing is left over from the answer before
        return super().getreply()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """In the way of `socket.create_connection`, with moments."""
        troubles: list[OSError] = []
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
            line = socket.socket(family, kind, protocol)
            try:
                # The final dot, a write of its own, does not wait until what went before has been acknowledged.
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    line.connect(address)
                self.patiently(line, _is_connected, line, until=time.monotonic() + timeout)
            except OSError as trouble:
                line.close()
                troubles.append(trouble)
            except BaseException:
                line.close()
                raise
            else:
                return line
        raise troubles[0] if troubles else OSError(f"{host} has no address")


class WatchedSMTPOverTLS(smtplib.SMTP_SSL, WatchedSMTP):
    def reach(self, host: str, port: int) -> tuple[int, bytes]:
        self.context = Handshakes(self, ssl.create_default_context())  # type: ignore[assignment]
        return super().reach(host, port)


class Handshakes:
    """For smtplib a context of TLS: one whose handshake looks up, too."""

    def __init__(self, client: WatchedSMTP, context: ssl.SSLContext) -> None:
        self.client = client
        self.context = context

    def wrap_socket(self, line: socket.socket, server_hostname: str) -> ssl.SSLSocket:
        until = time.monotonic() + self.client.timeout
        line.settimeout(self.client.moment)
        secured = self.context.wrap_socket(line, server_hostname=server_hostname, do_handshake_on_connect=False)
        try:
            self.client.patiently(secured, secured.do_handshake, until=until)
        except BaseException:
            secured.close()
            raise
        return secured


class _Answer(io.RawIOBase):
    """What a server says to one command."""

    def __init__(self, client: WatchedSMTP, line: socket.socket) -> None:
        self.client = client
        self.line = line
        self.left = LONGEST
        self.until = time.monotonic() + client.timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.client.look_up()
        if self.left <= 0:
            raise OSError("The answer has no end.")
        count: int = self.client.patiently(self.line, self.line.recv_into, buffer, until=self.until)
        self.left -= count
        return count


def _is_connected(line: socket.socket) -> None:
    """Wait for a connection that was begun, within the socket's own timeout. Raises what became of it."""
    poll = select.poll()
    poll.register(line, select.POLLOUT)
    if not poll.poll((line.gettimeout() or 0) * 1000):
        raise TimeoutError
    if error := line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise ConnectionError(os.strerror(error))  # not a `TimeoutError`, for nothing would come of waiting again
