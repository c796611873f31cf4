"""The mailbox that refusals and replies come to, in a folder (maildir) or on a server (IMAP): what is unread in it.

Nothing is deleted: what was taken in is marked as read, and stays.
"""

import contextlib
import imaplib
import logging
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from mailing.relay import LOOPBACK

LIMIT = 20 * 1024 * 1024  # bytes of a mail; the rest is not read
TIMEOUT = 30  # seconds
log = logging.getLogger(__name__)


class Unreachable(Exception):
    """The mailbox can't be read. Says why, without its address or password."""


class Mailbox(Protocol):
    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Each mail that is not marked, the oldest first, under a name that `mark` knows."""

    def mark(self, name: str) -> None:
        """As read."""


@contextlib.contextmanager
def opened(url: str) -> Iterator[Mailbox]:
    """`maildir:///path` or `imaps://user:password@host/folder`. Raises `Unreachable`."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "maildir":
            yield Maildir(Path(unquote(parts.path)))
        elif parts.scheme in ("imap", "imaps"):
            with _connected(parts) as client:
                yield Imap(client, unquote(parts.path.strip("/")) or "INBOX")
        else:
            raise Unreachable("BOUNCE_MAILBOX_URL begins with maildir://, imap:// or imaps://")
    except (OSError, imaplib.IMAP4.error) as trouble:
        raise Unreachable(type(trouble).__name__) from trouble


class Maildir:
    """Written by a mail server, one file a mail: in `new` until it is read, then in `cur` with the flag S."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / "new").is_dir():
            raise FileNotFoundError(path / "new")

    def unread(self) -> Iterator[tuple[str, bytes]]:
        new = [path for path in (self.path / "new").iterdir() if not path.name.startswith(".")]
        seen_by_others = [path for path in (self.path / "cur").iterdir() if "S" not in path.name.rpartition(":2,")[2]]
        for path in sorted([*new, *seen_by_others]):
            raw = _read(path)
            if raw is not None:
                yield str(path), raw

    def mark(self, name: str) -> None:
        base, _, flags = Path(name).name.partition(":2,")
        with contextlib.suppress(FileNotFoundError):
            Path(name).rename(self.path / "cur" / f"{base}:2,{''.join(sorted({*flags, 'S'}))}")


def _read(path: Path) -> bytes | None:
    """None where another reader was here first, or where it is not for us to read: that holds up no other."""
    try:
        with path.open("rb") as file:
            return file.read(LIMIT)
    except FileNotFoundError:
        return None
    except OSError as trouble:
        log.error("A mail in the mailbox of BOUNCE_MAILBOX_URL can't be read: %s.", type(trouble).__name__)
        return None


class Imap:
    """By UID, and only looked at: the flag is set when a mail has been taken in."""

    def __init__(self, client: imaplib.IMAP4, folder: str) -> None:
        self.client = client
        _ask(client.select(_quoted(folder)))

    def unread(self) -> Iterator[tuple[str, bytes]]:
        [found] = _ask(self.client.uid("SEARCH", "UNSEEN"))
        for name in (found or b"").split():
            if not re.fullmatch(rb"\d{1,20}", name):
                continue
            answer = _ask(self.client.uid("FETCH", name.decode(), f"(BODY.PEEK[]<0.{LIMIT}>)"))
            raw = next((part[1] for part in answer if isinstance(part, tuple)), None)
            if raw is not None:
                yield name.decode(), raw

    def mark(self, name: str) -> None:
        _ask(self.client.uid("STORE", name, "+FLAGS.SILENT", "(\\Seen)"))


@contextlib.contextmanager
def _connected(parts: SplitResult) -> Iterator[imaplib.IMAP4]:
    """Never in the clear, but on this machine."""
    host, context = parts.hostname or "", ssl.create_default_context()
    if parts.scheme == "imaps":
        client: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, parts.port or 993, ssl_context=context, timeout=TIMEOUT)
    else:
        client = imaplib.IMAP4(host, parts.port or 143, timeout=TIMEOUT)
    with client:
        if parts.scheme == "imap" and host not in LOOPBACK:
            _ask(client.starttls(context))
        _ask(client.login(unquote(parts.username or ""), unquote(parts.password or "")))
        yield client


def _ask(answer: tuple[str, list]) -> list:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(status)
    return data


def _quoted(folder: str) -> str:
    return '"{}"'.format(folder.replace("\\", "\\\\").replace('"', '\\"'))
