"""Writers killed with -9 at every step, and two that race, while somebody reads all that is public all the time.

No page is ever half there, none is replaced by an older one, and in the end all is public and nothing is left behind.
"""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import brotli
import pytest
from django.conf import settings
from django.db import connection
from pytest_django import Settings

from accounts.models import Role
from campaign.demo.load import load_letter
from campaign.embedded import BASE_DIR
from letters.models import Letter
from publishing import services, stores
from publishing.models import Touch
from signatories import services as signatories
from signatories.states import SignatureStatus
from tests.factories import make_signature, make_user
from tests.publishing.sealing import make_sealed_edition

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
ROUNDS = range(int(os.environ.get("FAULT_ROUNDS", "1")))
RACERS = min(40 * len(ROUNDS), 200)

STEPS = [
    "the lease is taken",
    "the next tree is begun",
    "the unchanged files are shared",
    "the outbox is read",
    "a page is rendered",
    "a file is deleted",
    "a file is not yet in its place",
    "only the page is written",
    "the page and one twin are written",
    "all is written",
    "the next link is made",
    "the tree is turned",
    "the lease is given back",
    "the outbox is half emptied",
]


class Host:
    """The process of `tests.publishing.host`, with the database of the test and the folder of a site."""

    def __init__(self, folder: Path) -> None:
        keys = ",".join(settings.CONTACT_KEYS)
        environment = {"DATABASE_URL": _database(), "CONTACT_KEYS": keys, "VAR_DIR": str(folder), "LOG_LEVEL": "ERROR"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.publishing.host", str(folder)],
            cwd=BASE_DIR,
            env={**os.environ, **environment, "DJANGO_SETTINGS_MODULE": "campaign.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        assert self.answer() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def begin(self, *command: Any) -> None:
        assert self.process.stdin
        print(json.dumps(command), file=self.process.stdin, flush=True)

    def answer(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the host has ended"
        return json.loads(line)


def _database() -> str:
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    given = {key: quote(str(found[key])) for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")}
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**given)


class Reader(threading.Thread):
    """Reads every file of the tree that is served, over and over, and writes down whatever is wrong.

    Of each page that names signatories it keeps the scores, one a look: names that came minus those that left.
    """

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.current = root / "current"
        self.ended = threading.Event()
        self.wrong: list[str] = []
        self.scores: dict[str, list[int]] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join()
        self.look()
        assert self.wrong == []
        for name, scores in self.scores.items():
            assert scores == sorted(scores), f"{name} became older"

    def run(self) -> None:
        while not self.ended.is_set():
            self.look()
            self.ended.wait(0.005)

    def look(self) -> None:
        tree = self.current.resolve()  # one tree for a whole look: it stands for longer than that takes
        files = {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
        for name, data in files.items():
            if name.endswith((".html", ".json", ".atom", ".xml", ".txt")):
                if not gzip.decompress(files[f"{name}.gz"]) == brotli.decompress(files[f"{name}.br"]) == data:
                    self.wrong.append(f"{name} is not what its twins are")
            elif not name.endswith((".gz", ".br", ".pdf")):
                self.wrong.append(f"{name} does not belong there")
            if name.endswith(("belarus-2020/index.html", "signatories/index.html", "belarus-2020.json")):
                self.scores.setdefault(name, []).append(data.count(b"Newcomer") - data.count(b"Leaver"))


@pytest.fixture
def root(settings: Settings) -> Path:
    found: Path = settings.STORAGES["published"]["OPTIONS"]["location"]
    return found


@pytest.fixture
def letter() -> Letter:
    letter = load_letter(by=make_user())
    for number in range(10):
        make_signature(letter, name=f"Member {number}")
    return letter


@pytest.fixture
def host(root: Path) -> Iterator[Host]:
    with Host(root.parent) as host:
        yield host


def newcomer(letter: Letter, name: str) -> None:
    signatories.approve(
        make_signature(letter, name=name, status=SignatureStatus.PENDING), by=make_user(Role.Name.REVIEWER)
    )


def all_is_public_and_nothing_left_behind(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Touch.objects.exists()
    assert services.publish(patience=0).written == 0, "the files were level with the data"
    monkeypatch.setattr(stores, "LINGER", -1)
    stores.tidy()
    assert [str(tree.relative_to(root)) for tree in (root / "trees").iterdir()] == [os.readlink(root / "current")]
    assert {path.name for path in root.iterdir()} == {"current", "lease", "trees"}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("_round", ROUNDS)
def test_a_writer_is_killed_and_the_next_one_does_it_all(
    letter: Letter, host: Host, root: Path, monkeypatch: pytest.MonkeyPatch, step: str, _round: int
) -> None:
    leaver = make_signature(letter, name="Leaver")
    make_sealed_edition(letter)
    services.publish()
    with Reader(root) as reader:
        reader.look()
        newcomer(letter, "Newcomer")
        with monkeypatch.context() as killed:  # the web process, too, before it could write
            killed.setattr("publishing.services.write_at_once", lambda *_: None)
            signatories.withdraw(leaver)
        host.begin("die", step)
        assert host.answer()
        services.write(patience=0)
    assert len(reader.scores) == 7
    assert {(scores[0], scores[-1]) for scores in reader.scores.values()} == {(-1, 1)}
    assert not list((root / "current").rglob("*.pdf"))
    all_is_public_and_nothing_left_behind(root, monkeypatch)


def test_two_writers_race_and_every_approval_is_public_at_the_end(
    letter: Letter, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.publish()
    end = root.parent / "end"
    with Host(root.parent) as one, Host(root.parent) as other, Reader(root) as reader:
        for writer in (one, other):
            writer.begin("race", str(end))
        for number in range(RACERS):
            newcomer(letter, f"Newcomer {number}")
            reader.ended.wait(0.05)
        while Touch.objects.exists() and all(writer.process.poll() is None for writer in (one, other)):
            reader.ended.wait(0.01)
        end.touch()
        assert all(writer.answer() > 0 for writer in (one, other)), "both had their turns"
    assert {scores[-1] for scores in reader.scores.values()} == {RACERS}
    assert any(len(set(scores)) > 3 for scores in reader.scores.values()), "it was read while they came"
    all_is_public_and_nothing_left_behind(root, monkeypatch)
