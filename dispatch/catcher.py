"""A mail server for as long as it takes to see what arrives: on 127.0.0.1 alone, and it hands nothing on."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, Envelope, Session

MOST_BYTES = 50_000_000
PATIENCE = 10


@dataclass(frozen=True)
class Caught:
    """A mail as it arrived, byte for byte, and the addresses that were on its envelope."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass
class Catcher:
    """What has arrived, in its order."""

    port: int = 0
    caught: list[Caught] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd calls it so)
        content = envelope.original_content
        assert isinstance(content, bytes)
        self.caught.append(Caught(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        return "250 2.0.0 Caught"


@contextmanager
def catching() -> Iterator[Catcher]:
    """A catcher that listens, on a port that the system chooses, until this is left."""
    catcher, loop = Catcher(), asyncio.new_event_loop()

    def conversation() -> SMTP:
        return SMTP(catcher, data_size_limit=MOST_BYTES, hostname="localhost", loop=loop)

    thread = threading.Thread(target=loop.run_forever, name="catcher", daemon=True)
    thread.start()
    listening = loop.create_server(conversation, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(listening, loop).result(PATIENCE)
    catcher.port = server.sockets[0].getsockname()[1]
    try:
        yield catcher
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


async def _end_all() -> None:
    """Conversations that the other side left open."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
