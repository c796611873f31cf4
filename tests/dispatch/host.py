"""A process that has workers die at a given step: it starts them, as Celery's pool does, by forking.

It reads commands from its standard input, one JSON list a line, and answers each with one line of JSON. The rows are
those of the database and the files of the directory that its environment names.
"""

import json
import os
import signal
import sys
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections, transaction  # noqa: E402

from dispatch.models import Delivery, Dispatch  # noqa: E402
from dispatch.services import deliveries  # noqa: E402
from ledger.models import Event  # noqa: E402
from tests.dispatch.sending import let_time_pass, make_dispatch, send_all  # noqa: E402
from tests.factories import turn_on_the_switch  # noqa: E402

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # staff are made here too, and quickly

workers: set[int] = set()


def relay(port: int) -> None:
    settings.EMAIL_PORT = port


def prepare(recipients: int, size: int) -> dict[str, Any]:
    dispatch = make_dispatch(recipients=recipients, size=size)
    return {"dispatch": dispatch.pk, "deliveries": list(dispatch.deliveries.values_list("pk", flat=True))}


def begin(pk: int, when: str, to: str) -> int:
    """Start a worker on a delivery; it stops dead when it moves the delivery `to` a state: see `_stop`."""
    connections.close_all()  # a child must not speak over its parent's connection
    child = os.fork()
    if child == 0:
        _stop(when, to)
        from dispatch import tasks

        tasks.deliver(pk)
        os._exit(0)
    workers.add(child)
    return child


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


def let_leases_run_out(pk: int) -> None:
    for delivery in Dispatch.objects.get(pk=pk).deliveries.all():
        let_time_pass(delivery)


def sweep() -> None:
    """One round of the scheduler: the bell is rung for workers elsewhere."""
    deliveries.sweep()


def look(pk: int) -> dict[str, Any]:
    delivery = Delivery.objects.get(pk=pk)
    events = Event.objects.about(delivery).values_list("source", "target")
    return {
        "status": delivery.status,
        "address": delivery.address,
        "attempts": delivery.attempts,
        "is_legal": all(delivery.machine.allows(source, target) for source, target in events if source),
        "dispatch": delivery.dispatch.status,
    }


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


VERBS = (relay, prepare, begin, wait_until_stopped, kill, recover, let_leases_run_out, sweep, look)
COMMANDS = {command.__name__: command for command in VERBS}

if __name__ == "__main__":
    turn_on_the_switch()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(COMMANDS[name](*arguments)), flush=True)
    for worker in list(workers):  # those of a test that failed
        kill(worker)
