"""Workers killed with -9 at every step of a delivery, against a real mail server, with rows in a real database.

Nobody gets a mail twice, no delivery is lost, and none is `unknown` unless its final dot may have been written.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from campaign.embedded import BASE_DIR, embedded
from tests.dispatch.catcher import HANG, Catcher

pytestmark = pytest.mark.faults
ROUNDS = range(int(os.environ.get("FAULT_ROUNDS", "1")))
LARGE = 2_000_000  # more than the buffers of a line hold: a server that stops reading holds the body up
Environment = dict[str, str]


class Host:
    """The process of `tests.dispatch.host`."""

    def __init__(self, environment: Environment) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.dispatch.host"],
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        assert self._answer() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)

    def __getattr__(self, command: str) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            assert self.process.stdin
            print(json.dumps([command, *arguments]), file=self.process.stdin, flush=True)
            return self._answer()

        return ask

    def _answer(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the host has ended"
        return json.loads(line)


@pytest.fixture(scope="module")
def environment(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """A database, a directory and a Valkey that no other test uses."""
    var_dir = tmp_path_factory.mktemp("faults")
    with (
        django_db_blocker.unblock(),
        _own_database(var_dir) as database,
        embedded(var_dir, {"EMAIL_URL": "-"}) as broker,
    ):
        found = {
            **os.environ,
            **broker,
            "DATABASE_URL": database,
            "VAR_DIR": str(var_dir),
            "DJANGO_SETTINGS_MODULE": "campaign.settings",
            "EMAIL_URL": "smtp://127.0.0.1:1",
            "SENDING_ENABLED": "1",
            "LOG_LEVEL": "ERROR",
        }
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(migrate, cwd=BASE_DIR, env=found, check=True)
        yield found


@contextmanager
def _own_database(var_dir: Path) -> Iterator[str]:
    if connection.vendor == "sqlite":
        yield f"sqlite:///{var_dir}/faults.sqlite3"
        return
    name = f"{connection.settings_dict['NAME']}_faults"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')
        try:
            given = {key: quote(str(connection.settings_dict[key])) for key in ("USER", "PASSWORD", "HOST", "PORT")}
            yield "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/".format(**given) + name
        finally:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def host(environment: Environment) -> Iterator[Host]:
    with Host(environment) as host:
        yield host


@pytest.fixture
def catcher(host: Host) -> Iterator[Catcher]:
    with Catcher() as catcher:
        host.relay(catcher.port)
        yield catcher


def none_lost_none_twice(host: Host, catcher: Catcher, pks: list[int]) -> list[str]:
    """The promises, whatever was killed when; the states in which the deliveries are."""
    found = [host.look(pk) for pk in pks]
    mails = Counter(catcher.recipients())
    for delivery in found:
        assert delivery["is_legal"]
        assert mails[delivery["address"]] <= 1
        assert delivery["status"] in ("accepted", "unknown")
        assert delivery["status"] != "accepted" or mails[delivery["address"]] == 1
    return [delivery["status"] for delivery in found]


@pytest.mark.parametrize(
    ("when", "move", "left", "mails", "found"),
    [
        ("before", "claimed", "queued", 0, "accepted"),
        ("during", "claimed", "queued", 0, "accepted"),
        ("after", "claimed", "claimed", 0, "accepted"),
        ("before", "sending", "claimed", 0, "accepted"),
        ("during", "sending", "claimed", 0, "accepted"),
        ("after", "sending", "sending", 0, "unknown"),  # the dot was not written, but who could tell?
        ("before", "accepted", "sending", 1, "unknown"),
        ("after", "accepted", "accepted", 1, "accepted"),
    ],
)
@pytest.mark.parametrize("_round", ROUNDS)
def test_killed_at_a_move(
    host: Host, catcher: Catcher, when: str, move: str, left: str, mails: int, found: str, _round: int
) -> None:
    prepared = host.prepare(1, 3000)
    [pk] = prepared["deliveries"]
    worker = host.begin(pk, when, move)
    assert host.wait_until_stopped(worker)
    assert host.kill(worker)
    catcher.go_on()
    assert host.look(pk)["status"] == left
    assert len(catcher.caught) == mails

    host.recover(prepared["dispatch"])
    assert none_lost_none_twice(host, catcher, [pk]) == [found]
    assert host.look(pk)["dispatch"] == ("done" if found == "accepted" else "sending")


@pytest.mark.parametrize(
    ("stage", "left", "mails", "found"),
    [
        ("connect", "claimed", 0, "accepted"),
        ("ehlo", "claimed", 0, "accepted"),
        ("mail", "claimed", 0, "accepted"),
        ("rcpt", "claimed", 0, "accepted"),
        ("data", "claimed", 0, "accepted"),
        ("body", "claimed", 0, "accepted"),
        ("dot", "sending", 1, "unknown"),
    ],
)
@pytest.mark.parametrize("_round", ROUNDS)
def test_killed_within_the_conversation(
    host: Host, catcher: Catcher, stage: str, left: str, mails: int, found: str, _round: int
) -> None:
    prepared = host.prepare(1, LARGE if stage == "body" else 3000)
    [pk] = prepared["deliveries"]
    catcher.at(stage, HANG)
    worker = host.begin(pk, "", "")
    assert catcher.hanging.acquire(timeout=20)
    assert host.kill(worker)
    catcher.go_on()
    assert host.look(pk)["status"] == left
    assert len(catcher.caught) == mails

    host.recover(prepared["dispatch"])
    assert none_lost_none_twice(host, catcher, [pk]) == [found]


@contextmanager
def celery(environment: Environment, catcher: Catcher) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker with its pool; nothing of it is left behind."""
    command = [sys.executable, "-m", "celery", "-A", "campaign.celery:app", "worker", "--concurrency=2"]
    worker = subprocess.Popen(
        [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"],
        cwd=BASE_DIR,
        env={**environment, "EMAIL_URL": catcher.url, "C_FORCE_ROOT": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield worker
    finally:
        kill_all(worker)


def kill_all(worker: subprocess.Popen[bytes]) -> None:
    """The worker and its pool, at once and with -9."""
    if worker.returncode is None:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


@pytest.mark.parametrize("_round", ROUNDS)
def test_a_celery_worker_is_killed_in_the_middle_and_the_next_one_ends_it(
    environment: Environment, host: Host, catcher: Catcher, _round: int
) -> None:
    prepared = host.prepare(5, 3000)
    pks = prepared["deliveries"]
    catcher.at("rcpt", HANG)
    catcher.at("dot", HANG)
    with celery(environment, catcher) as worker:
        host.sweep()
        for _ in range(2):  # one process of the pool hangs before the dot, the other after it
            assert catcher.hanging.acquire(timeout=30)
        kill_all(worker)
    catcher.go_on()
    assert sorted(host.look(pk)["status"] for pk in pks) == ["claimed", "queued", "queued", "queued", "sending"]

    host.let_leases_run_out(prepared["dispatch"])
    with celery(environment, catcher):
        deadline = time.monotonic() + 30
        while any(host.look(pk)["status"] not in ("accepted", "unknown") for pk in pks):
            assert time.monotonic() < deadline
            host.sweep()
            time.sleep(0.5)
    assert sorted(none_lost_none_twice(host, catcher, pks)) == ["accepted"] * 4 + ["unknown"]
