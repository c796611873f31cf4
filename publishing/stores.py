"""Where published files are kept: a tree on this host that is swapped as a whole, or a store of objects.

Both are storages of Django (`STORAGES["published"]`); `change` is what the writer adds to them: one writer at a time,
and whoever comes next reads what the one before has left.
"""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import IntegrityError, transaction
from django.utils import timezone

from publishing.models import Lease

LEASE = timedelta(seconds=15)
LINGER = 2.0  # seconds for which a tree outlives its successor, so that no reader loses the ground under its feet


class Busy(Exception):
    """Another writer is at work, and did not finish in time."""


class Vanished(Exception):
    """What was being read was replaced and is gone; what replaced it can be read."""


class Reading(Protocol):
    """What is public, for one who keeps no writer waiting. Both raise `Vanished`."""

    def names(self) -> set[str]: ...
    def read(self, name: str) -> bytes: ...


class Change(Protocol):
    """What a writer may do while it has the store to itself."""

    def names(self) -> set[str]: ...
    def read(self, name: str) -> bytes | None: ...
    def write(self, name: str, data: bytes) -> None: ...
    def delete(self, name: str) -> None: ...


# A tree on this host ------------------------------------------------------------------------------


class LocalTree(FileSystemStorage):
    """`current` is a link to the tree that is served. A change builds the next one and turns the link.

    The next tree shares its unchanged files with the one before (hard links), so that a small change is cheap; a
    writer killed at any point leaves `current` as it was. The lease is a lock of the kernel: it goes with its holder.
    """

    def __init__(self, location: str | os.PathLike[str]) -> None:
        self.root = Path(location)
        super().__init__(location=self.root / "current")

    @contextmanager
    def change(self, patience: float) -> Iterator[Change]:
        """The next tree, served once the block is left without an exception. Raises `Busy` after `patience` seconds."""
        trees = self.root / "trees"
        trees.mkdir(parents=True, exist_ok=True)
        with self._lease(patience):
            base = self._current()
            self._tidy(keep=base)
            new = trees / f"{int(base.name) + 1 if base else 1:09d}"
            new.mkdir()
            # A server in front tells two versions of a file apart by whole seconds. Each change has a later one than
            # all before it, so that not even a page that went and came back is taken for what it was.
            moment = max(time.time(), int(base.stat().st_mtime) + 1 if base else 0)
            try:
                tree = _Tree(new, moment)
                if base:
                    _link_all(base, new)
                yield tree
                if tree.changed or base is None:
                    os.utime(new, (moment, moment))
                    if base:
                        _let_linger(base)  # before the turn: who is killed between the two takes it from nobody
                    self._turn_to(new)
                    if base:
                        os.utime(base)  # its moment may lie ahead, and nobody has to be later than it any more
                else:
                    shutil.rmtree(new)
            except BaseException:
                if self._current() != new:
                    shutil.rmtree(new, ignore_errors=True)
                raise

    def reading(self) -> Reading:
        return _Standing(self)

    def tidy(self) -> None:
        """Remove the trees that nobody can be reading any more. Does nothing while a writer is at work."""
        if not self.root.exists():
            return
        try:
            with self._lease(0):
                self._tidy(keep=self._current())
        except Busy:
            pass

    def _tidy(self, keep: Path | None) -> None:
        for tree in (self.root / "trees").iterdir():
            old = tree.stat().st_mtime < time.time() - LINGER
            if tree != keep and (old or keep is None or int(tree.name) > int(keep.name)):
                shutil.rmtree(tree)

    def _current(self) -> Path | None:
        try:
            return self.root / os.readlink(self.root / "current")
        except FileNotFoundError:
            return None

    def _turn_to(self, tree: Path) -> None:
        link = self.root / "next"
        link.unlink(missing_ok=True)
        link.symlink_to(tree.relative_to(self.root))
        link.replace(self.root / "current")
        _sync(self.root)

    @contextmanager
    def _lease(self, patience: float) -> Iterator[None]:
        deadline = time.monotonic() + patience
        with (self.root / "lease").open("a") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise Busy from None
                    time.sleep(0.02)
            yield


class _Standing:
    """The tree that is served now. It goes a while after another has taken its place."""

    def __init__(self, storage: LocalTree) -> None:
        self.storage = storage
        self.top = storage._current()

    def names(self) -> set[str]:
        found = _Tree(self.top, 0).names() if self.top else set()
        if self.storage._current() != self.top:  # some of it may have gone while it was looked through
            raise Vanished
        return found

    def read(self, name: str) -> bytes:
        assert self.top
        try:
            return (self.top / name).read_bytes()
        except FileNotFoundError:
            raise Vanished from None


class _Tree:
    """A tree that is being built; what is written to it is of `moment`."""

    def __init__(self, top: Path, moment: float) -> None:
        self.top = top
        self.moment = moment
        self.changed = False

    def names(self) -> set[str]:
        files = (Path(folder, name) for folder, _, names in os.walk(self.top) for name in names)
        return {str(file.relative_to(self.top)) for file in files}

    def read(self, name: str) -> bytes | None:
        try:
            return (self.top / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.new")
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.utime(unfinished, (self.moment, self.moment))
        unfinished.replace(path)
        self.changed = True

    def delete(self, name: str) -> None:
        path = self.top / name
        path.unlink(missing_ok=True)
        self.changed = True
        for folder in path.relative_to(self.top).parents:
            if folder != Path() and not any((self.top / folder).iterdir()):
                (self.top / folder).rmdir()


def _let_linger(tree: Path) -> None:
    """Count its time from now on. It never becomes older than it was, for the next change is to be later than it."""
    moment = max(time.time(), tree.stat().st_mtime)
    os.utime(tree, (moment, moment))


def _link_all(source: Path, target: Path) -> None:
    for folder, folders, names in os.walk(source):
        here = target / Path(folder).relative_to(source)
        for name in folders:
            (here / name).mkdir()
        for name in names:
            os.link(Path(folder, name), here / name)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# A store of objects -------------------------------------------------------------------------------


class _Objects:
    """Objects of a storage, each replaced by itself; the lease is looked at before each."""

    def __init__(self, storage: Storage, holder: str) -> None:
        self.storage = storage
        self.holder = holder

    def names(self) -> set[str]:
        return set(self._below(""))

    def read(self, name: str) -> bytes | None:
        try:
            with self.storage.open(name) as file:
                data: bytes = file.read()
                return data
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        _renew(self.holder)
        self.storage.save(name, ContentFile(data))

    def delete(self, name: str) -> None:
        _renew(self.holder)
        self.storage.delete(name)

    def _below(self, folder: str) -> Iterator[str]:
        folders, names = self.storage.listdir(folder)
        yield from (f"{folder}{name}" for name in names if name)
        for name in folders:
            if name:
                yield from self._below(f"{folder}{name}/")


class _StandingObjects:
    """The objects as they are now."""

    def __init__(self, storage: Storage) -> None:
        self.objects = _Objects(storage, "")

    def names(self) -> set[str]:
        return self.objects.names()

    def read(self, name: str) -> bytes:
        data = self.objects.read(name)
        if data is None:
            raise Vanished
        return data


@contextmanager
def _change_objects(storage: Storage, patience: float) -> Iterator[Change]:
    holder = secrets.token_hex(16)
    deadline = time.monotonic() + patience
    while not _take(holder):
        if time.monotonic() >= deadline:
            raise Busy
        time.sleep(0.05)
    try:
        yield _Objects(storage, holder)
    finally:
        Lease.objects.filter(name="objects", holder=holder).delete()


def _take(holder: str) -> bool:
    now = timezone.now()
    mine = {"holder": holder, "until": now + LEASE}
    if Lease.objects.filter(name="objects", until__lt=now).update(**mine):
        return True
    try:
        with transaction.atomic():
            Lease.objects.create(name="objects", **mine)
    except IntegrityError:
        return False
    return True


def _renew(holder: str) -> None:
    if not Lease.objects.filter(name="objects", holder=holder).update(until=timezone.now() + LEASE):
        raise Busy


# Either of them -----------------------------------------------------------------------------------


@contextmanager
def change(patience: float = 10.0) -> Iterator[Change]:
    """The store, to this writer alone. Raises `Busy` where another does not finish within `patience` seconds."""
    storage = storages["published"]
    with storage.change(patience) if isinstance(storage, LocalTree) else _change_objects(storage, patience) as found:
        yield found


def reading() -> Reading:
    """What is public now, for one who only reads."""
    storage = storages["published"]
    return storage.reading() if isinstance(storage, LocalTree) else _StandingObjects(storage)


def tidy() -> None:
    """Remove what a change has left behind."""
    storage = storages["published"]
    if isinstance(storage, LocalTree):
        storage.tidy()
