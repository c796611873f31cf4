"""What was said between the relay and us, and over which line: kept with each attempt, as evidence."""

import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dispatch.line import WatchedSMTP, WatchedSMTPOverTLS

LINES = 200


@dataclass
class Transcript:
    """The lines of one conversation, each with its time (UTC), and the facts of the connection.

    What signs us in is left out, and of the mail itself only its length is told.
    """

    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    connection: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    is_secret: bool = False

    def we(self, text: str) -> None:
        """In secret only the command; an answer to a challenge stands alone, and is all secret."""
        command, space, _ = text.partition(" ")
        self._note("C", f"{command if space else ''} …".strip() if self.is_secret else text)

    def they(self, code: int, text: bytes) -> None:
        self._note("S", f"{code} {printable(text)}")

    @contextmanager
    def secretly(self) -> Iterator[None]:
        self.is_secret = True
        try:
            yield
        finally:
            self.is_secret = False

    def note_line(self, socket: Any) -> None:
        """Whom we reached, and how the line is encrypted."""
        self.connection["peer"] = "{}:{}".format(*socket.getpeername()[:2])
        if isinstance(socket, ssl.SSLSocket):
            name, _, bits = socket.cipher() or ("", "", 0)
            certificate = socket.getpeercert(binary_form=True) or b""
            self.connection |= {
                "tls": socket.version() or "",
                "cipher": name,
                "bits": bits,
                "certificate_sha256": hashlib.sha256(certificate).hexdigest(),
            }

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def _note(self, who: str, text: str) -> None:
        if len(self.lines) < LINES:
            self.lines.append(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {who}: {printable(text)}")


class _Noted:
    """What smtplib says and hears, written down."""

    transcript: Transcript

    def putcmd(self, cmd: str, args: str = "") -> None:
        self.transcript.we(f"{cmd} {args}".strip())
        super().putcmd(cmd, args)  # type: ignore[misc]

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()  # type: ignore[misc]
        self.transcript.they(code, text)
        return code, text


class NotedSMTP(_Noted, WatchedSMTP):
    def __init__(self, transcript: Transcript, *args: Any, **kwargs: Any) -> None:
        self.transcript = transcript
        super().__init__(*args, **kwargs)


class NotedSMTPOverTLS(_Noted, WatchedSMTPOverTLS):
    def __init__(self, transcript: Transcript, *args: Any, **kwargs: Any) -> None:
        self.transcript = transcript
        super().__init__(*args, **kwargs)


def printable(text: str | bytes) -> str:
    """One line of at most 500 characters, whatever a server sends."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(text.split())[:500]
