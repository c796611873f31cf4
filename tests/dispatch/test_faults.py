"""Workers killed with -9 at every step of a delivery, against a real mail server, with rows in a real database.

Nobody gets a mail twice, no delivery is lost, and none is `unknown` unless its final dot may have been written.
"""

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from campaign.embedded import embedded
from tests.dispatch.catcher import DELAY, DROP, HANG, STAGES, Catcher, Say
from tests.dispatch.hosting import (
    Environment,
    Host,
    celery,
    environment_of,
    kill_all,
    none_lost_none_twice,
    own_database,
)

pytestmark = pytest.mark.faults
ROUNDS = range(int(os.environ.get("FAULT_ROUNDS", "1")))
LARGE_ENOUGH = 60_000  # with two PDFs more than the buffers of a line hold: a server that stops reading is noticed
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def environment(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """A database, a directory and a Valkey that no other test uses."""
    var_dir = tmp_path_factory.mktemp("faults")
    with (
        django_db_blocker.unblock(),
        own_database(var_dir) as database,
        embedded(var_dir, {"EMAIL_URL": "-"}) as broker,
    ):
        yield environment_of(var_dir, database, broker["REDIS_URL"])


@pytest.fixture(scope="module")
def one_host(environment: Environment) -> Iterator[Host]:
    with Host(environment) as host:
        yield host


@pytest.fixture
def host(one_host: Host) -> Host:
    """Its workers wait for a mail server as long as the product's do."""
    one_host.hurry(20, 150)
    return one_host


@pytest.fixture
def catcher(host: Host) -> Iterator[Catcher]:
    with Catcher() as catcher:
        host.relay(catcher.port)
        yield catcher


# Each trouble, at each stage, each worker killed at each move ----------------------------------------

TROUBLES: dict[str, str | Say] = {
    "refuses for now": Say("451 4.7.1 later"),
    "refuses for good": Say("550 5.7.1 no"),
    "delays": DELAY,
    "hangs": HANG,
    "drops the line": DROP,
}
ABOUT_THE_MAIL = ("mail", "rcpt", "data", "body", "dot")


@dataclass(frozen=True)
class Case:
    """A mail server with a trouble at a stage, once, and a worker that is killed, or is not, around a move."""

    trouble: str
    stage: str
    when: str = ""
    move: str = ""

    @property
    def course(self) -> list[str]:
        """The states of an attempt that meets the trouble and is left alone."""
        if self.trouble == "delays":
            return ["queued", "claimed", "sending", "accepted"]
        if self.trouble == "refuses for good" and self.stage in ABOUT_THE_MAIL:
            outcome = "failed"
        elif self.stage == "dot" and self.trouble != "refuses for now":
            outcome = "unknown"
        else:
            outcome = "deferred"
        return ["queued", "claimed", *(["sending"] if self.stage == "dot" else []), outcome]

    @property
    def left(self) -> str:
        """The state in which the first worker leaves it."""
        if not self.move:
            return self.course[-1]
        return self.course[self.course.index(self.move) - (self.when != "after")]

    @property
    def end(self) -> str:
        """What the scheduler and healthy workers make of that."""
        if self.left in ("accepted", "failed", "unknown"):
            return self.left
        if self.left == "sending":
            return "unknown"
        met = not self.move or self.move == self.course[-1] or (self.move == "sending" and self.stage != "dot")
        return "accepted" if met or self.course[-1] == "deferred" else self.course[-1]

    @property
    def kept(self) -> tuple[int, ...]:
        """How many mails the server may have kept, by how the delivery ended."""
        return {"accepted": (1,), "failed": (0,)}.get(self.end, (0, 1))


def cases() -> Iterator[Case]:
    for trouble in TROUBLES:
        for stage in STAGES:
            case = Case(trouble, stage)
            yield case
            for move in case.course[1:]:
                for when in ("before", "during", "after"):
                    yield Case(trouble, stage, when, move)


@pytest.mark.parametrize("large", [False, True], ids=["", "body"])
@pytest.mark.parametrize("_round", ROUNDS)
def test_each_trouble_at_each_stage_with_each_worker_killed_at_each_move(
    host: Host, large: bool, _round: int, record_property: Record
) -> None:
    """All at once: a dispatch with a recipient, and a mail server, for each case."""
    host.hurry(2, 2)
    ours = [case for case in cases() if (case.stage == "body") == large]
    prepared = host.prepare(len(ours), LARGE_ENOUGH if large else 3000)
    pks = prepared["deliveries"]
    with ExitStack() as stack:
        servers = {pk: stack.enter_context(Catcher()) for pk in pks}
        for case, server in zip(ours, servers.values(), strict=True):
            server.at(case.stage, TROUBLES[case.trouble])
        jobs = [(pk, servers[pk].port, case.when, case.move) for pk, case in zip(pks, ours, strict=True)]
        fates = host.run(jobs)
        assert fates == {str(pk): "killed" if case.move else "ended 0" for pk, case in zip(pks, ours, strict=True)}
        assert outcomes(ours, host.look_at(pks)) == outcomes(ours, [{"status": case.left} for case in ours])
        for server in servers.values():
            server.go_on()
        host.recover_all(prepared["dispatch"], {pk: server.port for pk, server in servers.items()})
        for server in servers.values():
            server.go_on()
    found = host.look_at(pks)
    assert outcomes(ours, found) == outcomes(ours, [{"status": case.end} for case in ours])
    assert all(delivery["is_legal"] for delivery in found)
    for case, delivery, server in zip(ours, found, servers.values(), strict=True):
        assert server.kept()[delivery["address"]] in case.kept, case
        assert set(server.recipients()) <= {delivery["address"]}
    unknown = [pk for pk, delivery in zip(pks, found, strict=True) if delivery["status"] == "unknown"]
    assert host.unexplained(prepared["dispatch"], unknown) == []
    tell(record_property, servers.values(), killed=sum(bool(case.move) for case in ours), unknown=len(unknown))
    host.forget_evidence()


def tell(record_property: Record, servers: Collection[Catcher], *, killed: int, unknown: int) -> None:
    """For the summary of a run."""
    record_property("faults", {
        "deliveries": len(servers),
        "workers killed": killed,
        "complete mails": sum(len(server.caught) for server in servers),
        "taken twice": sum(count > 1 for server in servers for count in server.kept().values()),
        "left for people to decide": unknown,
    })  # fmt: skip


def outcomes(ours: list[Case], found: list[dict[str, Any]]) -> list[str]:
    return [
        f"{case.trouble} at {case.stage}, {case.when} {case.move}: {delivery['status']}"
        for case, delivery in zip(ours, found, strict=True)
    ]


# In the middle of the conversation ----------------------------------------------------------------


@pytest.mark.parametrize("_round", ROUNDS)
def test_killed_while_the_server_says_nothing(host: Host, _round: int, record_property: Record) -> None:
    """At each stage at once."""
    small, large = host.prepare(len(STAGES) - 1, 3000), host.prepare(1, LARGE_ENOUGH)
    pks = [*small["deliveries"], *large["deliveries"]]
    stages = [*(stage for stage in STAGES if stage != "body"), "body"]
    with ExitStack() as stack:
        servers = [stack.enter_context(Catcher()) for _ in stages]
        workers = []
        for pk, stage, server in zip(pks, stages, servers, strict=True):
            server.at(stage, HANG)
            host.relay(server.port)
            workers.append(host.begin(pk, "", ""))
        for server, worker in zip(servers, workers, strict=True):
            assert server.hanging.acquire(timeout=20)
            assert host.kill(worker)
        for server in servers:
            server.go_on()
        states = [delivery["status"] for delivery in host.look_at(pks)]
        assert states == ["sending" if stage == "dot" else "claimed" for stage in stages]
        assert [len(server.caught) for server in servers] == [int(stage == "dot") for stage in stages]

        ports = {pk: server.port for pk, server in zip(pks, servers, strict=True)}
        for prepared in (small, large):
            host.recover_all(prepared["dispatch"], ports)
    found = host.look_at(pks)
    assert [delivery["status"] for delivery in found] == [
        "unknown" if stage == "dot" else "accepted" for stage in stages
    ]
    assert all(delivery["is_legal"] for delivery in found)
    assert [len(server.caught) for server in servers] == [1] * len(stages)
    unknown = pks[stages.index("dot")]
    assert host.unexplained(small["dispatch"], [unknown]) == []
    tell(record_property, servers, killed=len(pks), unknown=1)
    host.forget_evidence()


# Celery -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("_round", ROUNDS[::5])  # each of them takes as long as a hundred others
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
