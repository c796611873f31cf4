"""A site of its own for tests that kill what it is made of: its database, its broker, its processes."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from django.db import connection

from campaign.embedded import BASE_DIR
from tests.dispatch.catcher import Catcher

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


def environment_of(var_dir: Path, database: str, broker: str) -> Environment:
    """That of a site whose database is empty as yet, and then is not."""
    found = {
        **os.environ,
        "REDIS_URL": broker,
        "DATABASE_URL": database,
        "VAR_DIR": str(var_dir),
        "DJANGO_SETTINGS_MODULE": "campaign.settings",
        "EMAIL_URL": "smtp://127.0.0.1:1",
        "SENDING_ENABLED": "1",
        "LOG_LEVEL": "ERROR",
    }
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=BASE_DIR, env=found, check=True)
    return found


@contextmanager
def own_database(var_dir: Path) -> Iterator[str]:
    """A database that no other test uses, where this run has its own."""
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


@contextmanager
def running(command: list[str], environment: Environment) -> Iterator[subprocess.Popen[bytes]]:
    """Celery's `worker` or `beat`; nothing of it is left behind."""
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "campaign.celery:app", *command],
        cwd=BASE_DIR,
        env={**environment, "C_FORCE_ROOT": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill_all(process)


@contextmanager
def celery(environment: Environment, catcher: Catcher, concurrency: int = 2) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker with its pool."""
    options = [f"--concurrency={concurrency}", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with running(["worker", *options], {**environment, "EMAIL_URL": catcher.url}) as worker:
        yield worker


@contextmanager
def scheduler(environment: Environment) -> Iterator[subprocess.Popen[bytes]]:
    """A real one, with the schedule of the product."""
    schedule = f"{environment['VAR_DIR']}/schedule"
    with running(["beat", f"--schedule={schedule}", "--pidfile="], environment) as beat:
        yield beat


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """It and its children, at once and with -9."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


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
