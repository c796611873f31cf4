"""`manage.py up`: the site with its worker and its scheduler, in one go, until Ctrl-C."""

import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from campaign.embedded import BASE_DIR, Ended, Processes, embedded, running

# It warns at length of being root, which one is in a container.
CELERY = [sys.executable, "-W", "ignore:::celery.platforms", "-m", "celery", "-A", "campaign.celery:app", "--quiet"]
PATIENCE = 60.0  # seconds in which the site has to answer


class Command(BaseCommand):
    """Everything that a laptop needs to serve the site; elsewhere each process is run by itself."""

    help = "Serve the site on HOST:PORT with worker and scheduler, and the services that are not configured."
    requires_system_checks: list[str] = []  # a taken port is said first, and at once

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether the site could be served now")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        host, port = _address()
        with _only_one(settings.VAR_DIR):
            _check_free(host, port)
            if check:
                return
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, _interrupt)
            try:
                self._serve(host, port)
            except Ended as error:
                raise CommandError(f"{error}. Everything else was stopped.") from error
            except KeyboardInterrupt:
                self.stdout.write("Stopped.")

    def _serve(self, host: str, port: int) -> None:
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # empty as it may be: WhiteNoise warns of a missing one
        with embedded(settings.VAR_DIR) as services, Processes() as processes:
            self._publish()
            environment = os.environ | services | {"VAR_DIR": str(settings.VAR_DIR)}
            if "EMAIL_URL" in services:  # what is sent ends in the catcher, on this machine
                environment.setdefault("SENDING_ENABLED", "1")
            processes.start("The web server", _web_server(host, port), env=environment, cwd=BASE_DIR)
            for name, command in _background().items():
                # On its output it says only that it was told to end.
                processes.keep(name, command, env=environment, cwd=BASE_DIR, stdout=subprocess.DEVNULL)
            processes.wait(lambda: _answers(host, port), PATIENCE)
            self.stdout.write(f"The site is at {_reached(host, port)}/ (Ctrl-C stops it).")
            self.stdout.flush()
            processes.wait(lambda: not services.items() <= running(settings.VAR_DIR).items())
            raise Ended("an embedded service has ended")

    def _publish(self) -> None:
        """Bring the public pages level, after an upgrade say; one that is broken keeps no other from the web."""
        try:
            call_command("publish", verbosity=0)
        except CommandError as error:
            self.stderr.write(str(error))


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _web_server(host: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "campaign.wsgi:application"),
        *(f"--bind={_in_url(host)}:{port}", "--worker-class=gthread", "--workers=2", "--threads=4"),
        *("--no-control-socket", "--log-level=error"),  # its warnings name addresses of visitors
    ]


def _background() -> dict[str, list[str]]:
    """What may end and be started again while the public pages stay."""
    quiet = "--loglevel=warning"
    schedule = settings.VAR_DIR / "run" / "schedule"
    return {
        "The worker": [*CELERY, "worker", "--concurrency=2", "--without-gossip", "--without-mingle", quiet],
        "The scheduler": [*CELERY, "beat", quiet, f"--schedule={schedule}", "--pidfile="],
    }


# The address --------------------------------------------------------------------------------------


def _address() -> tuple[str, int]:
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise CommandError(f"PORT is {port!r}; it must be a number from 1 to 65535.")
    return host, int(port)


def _check_free(host: str, port: int) -> None:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the web server does
            server.bind(address)
    except OSError as error:
        raise CommandError(
            f"Can't serve on {_in_url(host)}:{port}: {error.strerror}. Choose another, for instance: make run PORT=8001"
        ) from error


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(_shown(host).strip("[]"), port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def _reached(host: str, port: int) -> str:
    """Where a browser finds the site: on this machine alone, as the links in pages and mails say it."""
    return str(settings.PUBLIC_URL) if host in ("127.0.0.1", "::1", "localhost") else f"http://{_shown(host)}:{port}"


def _shown(host: str) -> str:
    """The host as a person types it: what listens everywhere is reached as localhost."""
    return "localhost" if host in ("0.0.0.0", "::") else _in_url(host)  # noqa: S104


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextmanager
def _only_one(var_dir: Path) -> Iterator[None]:
    """Hold the lock that says that this VAR_DIR is being served; the kernel lets go of it when we die."""
    path = var_dir / "run" / "up.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError("The site is already being served from here: stop that one first (Ctrl-C).") from error
        yield
