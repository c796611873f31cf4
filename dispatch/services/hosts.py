"""Which hosts may send, and how a database that was restored is found out.

From within, a restored database looks like any other. What tells is kept outside of it, by each host in its VAR_DIR:

    sending/host  never changed. The host's key is made of it and of what only the kernel writes (its number and the
                  time of its last change), so that a copy of it, by a backup or by hand, is another host.
    sending/mark  the latest event that the host has seen, and when it last looked. Written before every final dot: no
                  letter has left this host of which the mark does not know.

An event that the mark knows and the database does not says that the database went back in time: sending is turned off,
for all hosts. A host that nobody has let in sends nothing: a new one, one whose VAR_DIR is new or was restored, or one
that has not looked for hours, since a whole machine may have been set back.
"""

import fcntl
import hashlib
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from dispatch.models import Host
from dispatch.services import switch
from dispatch.states import HostStatus
from ledger.models import Event
from ledger.prepared import Given, Prepared
from ledger.services import insert_if_absent, record

KNOWN = Prepared(lambda: Event.objects.filter(pk=Given("pk"), at=Given("at")).values_list("pk")[:1])
LATEST = Prepared(lambda: Event.objects.order_by("-pk").values_list("pk", "at")[:1])
ADMITTED = Prepared(
    lambda: Host.objects.filter(key=Given("key"), status=HostStatus.ADMITTED, seen_at__gt=Given("lately")).values_list(
        "pk"
    )[:1]
)
AWAY = timedelta(hours=6)  # after which nobody can tell an outage from a machine that was set back
SELDOM = timedelta(minutes=1)
FORGOTTEN = timedelta(days=30)


class Behind(Exception):
    """The database does not know what this host has seen."""


@dataclass(frozen=True)
class Mark:
    event: int
    at: str
    looked_at: str

    def is_known(self) -> bool:
        return self.event == 0 or KNOWN.exists(pk=self.event, at=datetime.fromisoformat(self.at))

    def age(self, now: datetime) -> timedelta:
        """Less than nothing where the clock was set back since."""
        return now - datetime.fromisoformat(self.looked_at)


def may_send() -> bool:
    """Whether letters may leave this host now: sending is on, and neither host nor database is another than before."""
    return look(at_leisure=False) and switch.is_on()


def look(*, at_leisure: bool = True) -> bool:
    """Compare the database with what this host has seen of it, and note what is new; whether the host was let in.

    Before a mail there is no leisure: to put a file in the place of another waits for the disk, and `note` follows.
    """
    now = timezone.now()
    with _own_files() as files:
        mark = files.mark()
        if mark and not mark.is_known():
            _tell_of_restore(mark)
            mark = None
        if mark is None or mark.age(now) > AWAY:
            files.become_another()
        if at_leisure or mark is None or mark.age(now) > SELDOM:
            files.note(mark, now)
        key = files.key()
    return _is_admitted(key, now)


def note() -> None:
    """Have the mark know of everything until now, on the disk. Raises `Behind` if the database knows less."""
    with _own_files() as files:
        mark = files.mark()
        if mark is None or not mark.is_known():
            raise Behind
        files.note(mark, timezone.now(), in_place=True)


def forget_hosts() -> None:
    """Those that were not seen for a long time."""
    Host.objects.filter(seen_at__lt=timezone.now() - FORGOTTEN).delete()


def _tell_of_restore(mark: Mark) -> None:
    latest = Event.objects.order_by("pk").last()
    switch.stop_after_restore(knew_until=datetime.fromisoformat(mark.at), knows_until=latest.at if latest else None)


def _is_admitted(key: str, now: datetime) -> bool:
    if ADMITTED.exists(key=key, lately=now - SELDOM):
        return True
    host = Host.objects.filter(key=key).first()
    if host is None:
        host = Host(key=key, name=socket.gethostname()[:255], seen_at=now, first_seen_at=now)
        if insert_if_absent(host):
            record(host, by=None)
        return False
    if now - host.seen_at > SELDOM:
        Host.objects.filter(pk=host.pk).update(seen_at=now)
    return host.status == HostStatus.ADMITTED


# In VAR_DIR ---------------------------------------------------------------------------------------


class _Files:
    """Two files and a lock, of a directory that is this host's own."""

    def __init__(self, directory: Path) -> None:
        self.host = directory / "host"
        self.marked = directory / "mark"

    def key(self) -> str:
        if not self.host.exists():
            _write(self.host, secrets.token_hex(32))
        found = self.host.stat()
        return hashlib.sha256(f"{self.host.read_text()} {found.st_ino} {found.st_ctime_ns}".encode()).hexdigest()

    def mark(self) -> Mark | None:
        """None on a new host, and where the file was lost or spoiled."""
        try:
            return Mark(**json.loads(self.marked.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def note(self, mark: Mark | None, now: datetime, *, in_place: bool = False) -> None:
        """The latest event, if it is news, or some time has passed.

        On the disk either way: where it is no news, `note` before a dot relies on whoever wrote it down.
        """
        event, at = LATEST.first() or (0, now)
        if mark is None or event > mark.event or abs(mark.age(now)) > SELDOM:
            mark = Mark(event, at.isoformat(), now.isoformat())
            write = _overwrite if in_place and self.marked.exists() else _write
            write(self.marked, json.dumps(asdict(mark)))

    def become_another(self) -> None:
        """Until somebody lets the new one in, this host sends nothing."""
        self.host.unlink(missing_ok=True)


@contextmanager
def _own_files() -> Iterator[_Files]:
    """One process at a time, so that no mark is put back by one that has seen less."""
    directory = Path(settings.VAR_DIR) / "sending"
    directory.mkdir(mode=0o700, exist_ok=True)
    with (directory / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _Files(directory)


def _overwrite(path: Path, text: str) -> None:
    """In place, which waits for the disk once; `text` is short and of much the same length each time.

    Torn by a power cut, it reads as no mark at all, and the host has to be let in anew.
    """
    with path.open("r+b") as file:
        file.write(text.encode())
        file.truncate()
        file.flush()
        os.fdatasync(file.fileno())


def _write(path: Path, text: str) -> None:
    """All or nothing, also if the machine loses its power now."""
    new = path.with_suffix(".new")
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
