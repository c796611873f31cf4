"""A tree that is swapped as a whole, and a store of objects: one writer at a time, nothing half done."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.core.files.storage import InMemoryStorage, storages
from pytest_django import Settings

from publishing import stores
from publishing.models import Lease


@pytest.fixture
def root(settings: Settings, tmp_path: Path) -> Path:
    backend = {"BACKEND": "publishing.stores.LocalTree", "OPTIONS": {"location": tmp_path / "public"}}
    settings.STORAGES = {**settings.STORAGES, "published": backend}
    return tmp_path / "public"


def files(root: Path) -> dict[str, bytes]:
    current = root / "current"
    return {str(path.relative_to(current)): path.read_bytes() for path in current.rglob("*") if path.is_file()}


def put(**contents: str) -> None:
    with stores.change() as change:
        for name, text in contents.items():
            change.write(f"{name}/index.html", text.encode())


def test_a_change_is_seen_whole_and_only_when_it_is_done(root: Path) -> None:
    put(a="1", b="1")
    with stores.change() as change:
        change.write("a/index.html", b"2")
        change.delete("b/index.html")
        assert files(root) == {"a/index.html": b"1", "b/index.html": b"1"}
        assert change.names() == {"a/index.html"}
    assert files(root) == {"a/index.html": b"2"}


def test_a_change_that_fails_changes_nothing(root: Path) -> None:
    def meet_a_full_disk() -> None:
        with stores.change() as change:
            change.write("a/index.html", b"2")
            raise OSError("disk full")

    put(a="1")
    with pytest.raises(OSError, match="disk"):
        meet_a_full_disk()
    assert files(root) == {"a/index.html": b"1"}
    assert len(list((root / "trees").iterdir())) == 1


def test_unchanged_files_are_shared_with_the_tree_before(root: Path) -> None:
    put(a="1", b="1")
    before = (root / "current/b/index.html").stat()
    put(a="2")
    assert (root / "current/b/index.html").stat().st_ino == before.st_ino


def test_a_later_version_is_later_by_a_whole_second(root: Path) -> None:
    """A server in front compares times by seconds and would take two versions of one second for one."""
    put(a="1")
    first = int((root / "current/a/index.html").stat().st_mtime)
    put(a="2")
    put(a="3")
    assert int((root / "current/a/index.html").stat().st_mtime) >= first + 2


def test_a_file_that_went_and_came_back_is_later_too(root: Path) -> None:
    put(a="1", b="1")
    first = int((root / "current/a/index.html").stat().st_mtime)
    with stores.change() as change:
        change.delete("a/index.html")
    put(a="2")
    assert int((root / "current/a/index.html").stat().st_mtime) >= first + 2


def test_old_trees_go_once_nobody_can_be_reading_them(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(a="1")
    put(a="2")
    stores.tidy()
    assert len(list((root / "trees").iterdir())) == 2, "a reader may still be in it"
    monkeypatch.setattr(stores, "LINGER", -1)
    stores.tidy()
    assert [tree.name for tree in (root / "trees").iterdir()] == [Path(os.readlink(root / "current")).name]


def age(tree: Path) -> None:
    moment = time.time() - 3600
    os.utime(tree, (moment, moment))


def killed_at_the_turn(monkeypatch: pytest.MonkeyPatch, *, turned: bool) -> None:
    """A change whose writer gets no further than the turn of the link, or to just before it."""
    turn = stores.LocalTree._turn_to

    def last(storage: stores.LocalTree, tree: Path) -> None:
        if turned:
            turn(storage, tree)
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(stores.LocalTree, "_turn_to", last)
        with pytest.raises(KeyboardInterrupt):
            put(a="2")


def test_a_writer_killed_at_the_turn_takes_no_ground_from_readers(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(a="1")
    old = (root / "current").resolve()
    age(old)
    killed_at_the_turn(monkeypatch, turned=True)
    assert files(root) == {"a/index.html": b"2"}
    stores.tidy()
    assert (old / "a/index.html").read_bytes() == b"1"


def test_a_writer_killed_before_the_turn_makes_no_later_version_as_old_as_one_before(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in "1234":
        put(a=text)
    before = int((root / "current/a/index.html").stat().st_mtime)
    killed_at_the_turn(monkeypatch, turned=False)
    put(a="5")
    assert int((root / "current/a/index.html").stat().st_mtime) > before


def test_two_writers_take_turns(root: Path) -> None:
    inside: list[int] = []

    def writer() -> None:
        for _ in range(10):
            with stores.change() as change:
                inside.append(1)
                assert len(inside) == 1
                number = int((change.read("n") or b"0").decode())
                change.write("n", str(number + 1).encode())
                inside.pop()

    threads = [threading.Thread(target=writer) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files(root) == {"n": b"30"}


def test_who_waits_too_long_is_told(root: Path) -> None:
    with stores.change(), pytest.raises(stores.Busy), stores.change(patience=0.05):
        pass


KILLED = """
import sys, time
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["publishing"], DATABASES={})
django.setup()
from publishing.stores import LocalTree
with LocalTree(sys.argv[1]).change(5) as change:
    change.write("a/index.html", b"half")
    print("inside", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("_round", range(3))
def test_a_writer_that_is_killed_leaves_all_as_it_was_and_the_way_free(root: Path, _round: int) -> None:
    put(a="1")
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(root)], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"inside\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert files(root) == {"a/index.html": b"1"}
    put(a="2")
    assert files(root) == {"a/index.html": b"2"}


@pytest.fixture
def objects(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> InMemoryStorage:
    settings.STORAGES = {
        **settings.STORAGES,
        "published": {"BACKEND": "tests.publishing.test_stores.OverwritingStorage"},
    }
    storage = storages["published"]
    assert isinstance(storage, InMemoryStorage)
    return storage


class OverwritingStorage(InMemoryStorage):
    """Objects in memory, replaced as an S3 store replaces them."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        self.delete(name)
        return name


@pytest.mark.django_db
def test_objects_are_written_read_listed_and_deleted(objects: InMemoryStorage) -> None:
    with stores.change() as change:
        change.write("en/index.html", b"1")
        change.write("en/index.html", b"2")
        change.write("robots.txt", b"3")
        assert change.read("en/index.html") == b"2"
        assert change.read("nothing") is None
        assert change.names() == {"en/index.html", "robots.txt"}
        change.delete("en/index.html")
        assert change.names() == {"robots.txt"}
    assert not Lease.objects.exists()


@pytest.mark.django_db
def test_a_writer_of_objects_that_lost_its_lease_writes_nothing_more(objects: InMemoryStorage) -> None:
    with stores.change() as change:
        Lease.objects.update(holder="somebody else")
        with pytest.raises(stores.Busy):
            change.write("a", b"1")
    assert not objects.exists("a")


@pytest.mark.django_db
def test_the_lease_of_a_writer_that_died_runs_out(objects: InMemoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.MonkeyPatch.context() as brief:
        brief.setattr(stores, "LEASE", stores.timedelta(seconds=0.2))
        assert stores._take("dead")
    with pytest.raises(stores.Busy), stores.change(patience=0.05):
        pass
    time.sleep(0.2)
    with stores.change(patience=0) as change:
        change.write("a", b"1")
    assert objects.exists("a")
