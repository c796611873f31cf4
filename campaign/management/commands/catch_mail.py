"""`manage.py catch_mail`: a mail server that delivers to files, for a laptop and for tests."""

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mailing.returns import mail_in

logger = logging.getLogger(__name__)
MOST_BYTES = 50_000_000
_numbers = itertools.count()


class Command(BaseCommand):
    """Letters to governments land in DIR, every other mail in DIR/others; nothing leaves this machine."""

    help = "Catch every mail sent to 127.0.0.1:PORT: dispatches become DIR/*.eml, all else DIR/others/*.eml."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8025)
        parser.add_argument("--dir", type=Path, default=settings.VAR_DIR / "demo" / "mail")

    def handle(self, *args: Any, port: int, dir: Path, **options: Any) -> None:
        (dir / "others").mkdir(parents=True, exist_ok=True)
        try:
            asyncio.run(_serve(port, dir))
        except OSError as error:
            raise CommandError(f"Can't catch mail on 127.0.0.1:{port}: {error.strerror}.") from error


async def _serve(port: int, directory: Path) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    catcher = Catcher(directory, settings.RETURN_ADDRESS)

    def conversation() -> SMTP:
        return SMTP(catcher, data_size_limit=MOST_BYTES, enable_SMTPUTF8=True, loop=loop)

    server = await loop.create_server(conversation, "127.0.0.1", port)
    await ended.wait()
    server.close()


class Catcher:
    """What the mail server does with a mail."""

    def __init__(self, directory: Path, dispatch_address: str) -> None:
        self.directory = directory
        self.dispatch_address = _without_tag(dispatch_address)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd calls it so)
        """Answer once the mail is on the disk, never before: whoever hears 250 may forget it."""
        sender = envelope.mail_from or ""
        is_dispatch = _without_tag(sender) == self.dispatch_address and not mail_in(sender)
        assert isinstance(envelope.original_content, bytes)
        write(self.directory if is_dispatch else self.directory / "others", envelope.original_content)
        return "250 2.0.0 Written"

    async def handle_exception(self, error: Exception) -> str:
        """A full disk, say: the sender is to keep the mail and try again."""
        logger.error("A mail could not be written", exc_info=error)
        return f"451 4.3.0 {type(error).__name__}"


def _without_tag(address: str) -> str:
    """The mailbox of an address, without what stands after a plus (RFC 5233): of a letter, that names the delivery."""
    local, _, domain = address.casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def write(directory: Path, content: bytes) -> Path:
    """Write a mail whole or not at all, under a name that sorts by time."""
    path = directory / f"{time.time_ns()}-{os.getpid()}-{next(_numbers)}.eml"
    unfinished = path.with_suffix(".unfinished")
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            unfinished.unlink()
    return path
