"""A process that has workers die at a given step: it starts them, as Celery's pool does, by forking.

It reads commands from its standard input, one JSON list a line, and answers each with one line of JSON. The rows are
those of the database and the files of the directory that its environment names.
"""

import gc
import json
import os
import shutil
import signal
import socket
import sys
import traceback
from collections import Counter
from typing import Any
from unittest.mock import patch

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils.formats import date_format  # noqa: E402
from django.utils.html import escape  # noqa: E402

from accounts.models import Role  # noqa: E402
from dispatch import emails, tasks  # noqa: E402
from dispatch.line import WatchedSMTP  # noqa: E402
from dispatch.lookup import look_up  # noqa: E402
from dispatch.models import Delivery, Dispatch  # noqa: E402
from dispatch.services import deliveries, dispatches  # noqa: E402
from dispatch.states import DeliveryStatus  # noqa: E402
from ledger import bell  # noqa: E402
from ledger.models import Event  # noqa: E402
from tests.dispatch.sending import let_time_pass_for, make_dispatch, send_all  # noqa: E402
from tests.factories import make_user, turn_on_the_switch  # noqa: E402

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # staff are made here too, and quickly

workers: set[int] = set()


AT_ONCE = 8
_ring = bell._ring  # nobody is rung for but by `sweep`: what no worker hears is heard by a later test's
bell._ring = lambda *_: None


def _small_buffers(client: WatchedSMTP, *where: Any) -> socket.socket:
    """A line that a server which stops reading holds up at once, however short the mail."""
    line = _get_socket(client, *where)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
    return line


_get_socket, WatchedSMTP._get_socket = WatchedSMTP._get_socket, _small_buffers


def hurry(timeout: float, patience: float) -> None:
    """How long workers that are started from now on wait for a mail server: each answer, and the last."""
    settings.EMAIL_TIMEOUT, settings.DELIVERY_PATIENCE = timeout, patience


def relay(port: int) -> None:
    settings.EMAIL_PORT = port


def prepare(recipients: int, size: int) -> dict[str, Any]:
    dispatch = make_dispatch(recipients=recipients, size=size)
    emails.covering(dispatch.deliveries.first())  # by which all is loaded that workers would each load for themselves
    return {"dispatch": dispatch.pk, "deliveries": list(dispatch.deliveries.values_list("pk", flat=True))}


def begin(pk: int, when: str, to: str) -> int:
    """Start a worker on a delivery; it stops dead when it moves the delivery `to` a state: see `_stop`."""
    child = _fork(pk, settings.EMAIL_PORT, when, to)
    workers.add(child)
    return child


def run(jobs: list[tuple[int, int, str, str]]) -> dict[str, str]:
    """A worker for each job (delivery, port of the mail server, and as above), many at once; how each ended.

    Who stops dead is killed with -9.
    """
    _share_memory()
    waiting, at_work, fates = list(jobs), dict[int, int](), dict[str, str]()
    while waiting or at_work:
        while waiting and len(at_work) < AT_ONCE:
            pk, *how = waiting.pop(0)
            at_work[_fork(pk, *how)] = pk
        child, status = os.waitpid(-1, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            os.kill(child, signal.SIGKILL)
        else:
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            fates[str(at_work.pop(child))] = "killed" if killed else f"ended {os.waitstatus_to_exitcode(status)}"
    return fates


def wait_until_stopped(child: int) -> bool:
    _, status = os.waitpid(child, os.WUNTRACED)
    return os.WIFSTOPPED(status)


def kill(child: int) -> bool:
    """With -9; whether that was what ended it."""
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    workers.remove(child)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def recover(pk: int) -> None:
    """What scheduler and healthy workers do from now on, until nothing is left to do."""
    send_all(Dispatch.objects.get(pk=pk))


def recover_all(pk: int, ports: dict[str, int]) -> None:
    """The same, with workers in processes of their own, and a mail server for each delivery."""
    ours = Delivery.objects.filter(dispatch=pk)
    for _ in range(5):
        let_time_pass_for(ours)
        deliveries.sweep()
        run([(due, ports[str(due)], "", "") for due in ours.filter(status="queued").values_list("pk", flat=True)])


def let_leases_run_out(pk: int) -> None:
    let_time_pass_for(Delivery.objects.filter(dispatch=pk))


def sweep() -> None:
    """One round of the scheduler: the bell is rung for workers elsewhere."""
    with patch.object(bell, "_ring", _ring):
        deliveries.sweep()


def ring(pk: int) -> None:
    """The bells of a dispatch that was just started."""
    with patch.object(bell, "_ring", _ring):
        dispatches._ring_for_deliveries(Dispatch.objects.get(pk=pk))


def count(pk: int) -> dict[str, int]:
    """How many deliveries of a dispatch are in which state."""
    return Counter(Delivery.objects.filter(dispatch=pk).values_list("status", flat=True))


def look(pk: int) -> dict[str, Any]:
    delivery = Delivery.objects.select_related("dispatch").get(pk=pk)
    events = list(Event.objects.about(delivery).values_list("source", "target"))
    targets = ["", *(target for _, target in events)]
    return {
        "status": delivery.status,
        "address": delivery.address,
        "attempts": delivery.attempts,
        "is_legal": delivery.status in DeliveryStatus.values
        and targets[-1] == delivery.status
        and [source for source, _ in events] == targets[:-1]
        and all(delivery.machine.allows(source, target) for source, target in events if source),
        "dispatch": delivery.dispatch.status,
    }


def look_at(pks: list[int]) -> list[dict[str, Any]]:
    return [look(pk) for pk in pks]


def unexplained(pk: int, unknown: list[int]) -> list[str]:
    """What the desk's pages of a dispatch and of those of its deliveries do not say of what to look for, and where."""
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(make_user(Role.Name.SENDER))
    of_all = browser.get(f"/desk/dispatches/{pk}/").content.decode()
    missing = []
    for delivery in Delivery.objects.filter(pk__in=unknown):
        of_one = browser.get(f"/desk/deliveries/{delivery.pk}/").content.decode()
        for page in (of_all, of_one):
            missing += [f"{delivery.pk}: {fact}" for fact in _to_look_for(delivery) if escape(fact) not in page]
    return missing


def _to_look_for(delivery: Delivery) -> list[str]:
    found = look_up(delivery)
    assert found.begins
    assert found.ends
    times = (date_format(at, "DATETIME_FORMAT") for at in (found.begins, found.ends))
    return [found.message_id, found.sender, found.recipient, found.how_far, *times]


def forget_evidence() -> None:
    """The mails that were kept: thousands of them would fill the disk."""
    shutil.rmtree(settings.MEDIA_ROOT / "evidence")


def _share_memory() -> None:
    """Children share this process's memory as long as they live, but no rubbish, which would never be cleared away."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _fork(pk: int, port: int, when: str, to: str) -> int:
    connections.close_all()  # a child must not speak over its parent's connection
    child = os.fork()
    if child == 0:
        gc.disable()
        os.nice(10)  # other tests have clocks to keep
        try:
            settings.EMAIL_PORT = port
            _stop(when, to)
            tasks.deliver(pk)
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    return child


def _stop(when: str, to: str) -> None:
    """Have this process stop `before` that move, `during` it (not yet committed) or `after` it (committed).

    The product itself has no such thing.
    """
    move = deliveries.move

    def stopping(row: Any, state: str, /, **given: Any) -> None:
        points = {when} if isinstance(row, Delivery) and state == to else set()
        if "before" in points:
            _stop_dead()
        move(row, state, **given)
        if "after" in points:
            transaction.on_commit(_stop_dead)
        if "during" in points:
            _stop_dead()

    deliveries.move = stopping


def _stop_dead() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


VERBS = (
    hurry, relay, prepare, begin, run, wait_until_stopped, kill, recover, recover_all, let_leases_run_out, sweep, look,
    look_at, count, ring, unexplained, forget_evidence,
)  # fmt: skip
COMMANDS = {command.__name__: command for command in VERBS}

if __name__ == "__main__":
    turn_on_the_switch()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        connections.close_all()  # whatever became of the database since the last one
        print(json.dumps(COMMANDS[name](*arguments)), flush=True)
    for worker in list(workers):  # those of a test that failed
        kill(worker)
