"""The embedded services and the supervisor, as real processes: who shares them, and what kill -9 leaves behind."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parseaddr
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import redis
from django.conf import settings
from django.core.management import CommandError, call_command

from campaign.embedded import BASE_DIR, REVIVALS, Ended, Processes, embedded, free_port, running

USER = """
import sys, time
from pathlib import Path
from campaign.embedded import embedded
with embedded(Path(sys.argv[1]), {"EMAIL_URL": "configured"}) as services:
    print(services["REDIS_URL"], flush=True)
    time.sleep(60)
"""
ONLY_VALKEY = {"EMAIL_URL": "configured"}
ONLY_CATCHER = {"REDIS_URL": "configured"}


def eventually(true: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be buried by a parent that is no longer ours."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def process_of(url: str) -> int:
    return int(redis.Redis.from_url(url).info("server")["process_id"])


def keeper_of(var_dir: Path) -> int:
    return int(json.loads((var_dir / "run" / "embedded.json").read_text())["keeper"])


@contextmanager
def another_user(var_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that uses the embedded Valkey."""
    command = [sys.executable, "-c", USER, str(var_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=BASE_DIR) as user:
        try:
            yield user
        finally:
            user.kill()


def test_what_is_configured_is_not_started(tmp_path: Path) -> None:
    untouched = tmp_path / "untouched"
    with embedded(untouched, {"REDIS_URL": "redis://elsewhere", "EMAIL_URL": "smtp://elsewhere"}) as services:
        assert services == {}
    assert not untouched.exists()


def test_valkey_ends_with_its_user_and_what_it_held_is_there_next_time(tmp_path: Path) -> None:
    with embedded(tmp_path, ONLY_VALKEY) as services:
        assert running(tmp_path) == services
        server = process_of(services["REDIS_URL"])
        redis.Redis.from_url(services["REDIS_URL"]).set("kept", "yes")
    assert running(tmp_path) == {}
    assert not alive(server)
    with embedded(tmp_path, ONLY_VALKEY) as services:
        assert redis.Redis.from_url(services["REDIS_URL"]).get("kept") == b"yes"


def test_valkey_answers_nobody_who_lacks_its_password(tmp_path: Path) -> None:
    with embedded(tmp_path, ONLY_VALKEY) as services:
        assert (tmp_path / "run" / "embedded.json").stat().st_mode & 0o077 == 0
        stranger = redis.Redis(
            port=redis.Redis.from_url(services["REDIS_URL"]).connection_pool.connection_kwargs["port"]
        )
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()


def test_two_users_share_one_valkey_until_both_have_gone(tmp_path: Path) -> None:
    with another_user(tmp_path) as other:
        assert other.stdout
        url = other.stdout.readline().strip()
        with embedded(tmp_path, ONLY_VALKEY) as services:
            assert services["REDIS_URL"] == url
            server = process_of(url)
            other.kill()
            other.wait()
            time.sleep(0.5)
            assert process_of(url) == server, "it outlives the user who happened to start it"
    assert not alive(server)


def test_kill_9_of_the_only_user_leaves_nothing_behind(tmp_path: Path) -> None:
    with another_user(tmp_path) as user:
        assert user.stdout
        server = process_of(user.stdout.readline().strip())
        keeper = keeper_of(tmp_path)
        user.kill()
        user.wait()
    eventually(lambda: not alive(server) and not alive(keeper))
    assert running(tmp_path) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends the leftover")
def test_kill_9_of_the_keeper_takes_valkey_along(tmp_path: Path) -> None:
    with embedded(tmp_path, ONLY_VALKEY) as services:
        server = process_of(services["REDIS_URL"])
        os.kill(keeper_of(tmp_path), signal.SIGKILL)
        eventually(lambda: not alive(server))
        assert running(tmp_path) == {}
        with embedded(tmp_path, ONLY_VALKEY) as anew:
            assert process_of(anew["REDIS_URL"]) != server


def test_a_server_that_cannot_start_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "valkey").write_text("a file where its directory should be")
    with pytest.raises(Ended, match=r"did not start: .*File exists"), embedded(tmp_path, ONLY_VALKEY):
        pass


# The mail catcher -----------------------------------------------------------------------------------------------------


def test_dispatches_and_other_mail_are_kept_apart_as_they_came(tmp_path: Path) -> None:
    address = parseaddr(settings.DISPATCH_FROM)[1]
    with embedded(tmp_path, ONLY_CATCHER) as services:
        port = int(services["EMAIL_URL"].rpartition(":")[2])
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail(address, ["president@example.org"], "Subject: Доведь\r\n\r\nпершы\r\n".encode())
            client.sendmail(address, ["president@example.org"], b"Subject: b\r\n\r\nsecond\r\n.\r\n..\r\n")
            client.sendmail("signatures@example.org", ["signer@example.org"], b"Subject: c\r\n\r\nthird\r\n")
        gone = smtplib.SMTP("127.0.0.1", port)
        gone.mail(address)
        gone.rcpt("president@example.org")
        gone.putcmd("data")
        gone.getreply()
        gone.send(b"Subject: d\r\n\r\nhalf a m")
        gone.close()
        mail = tmp_path / "demo" / "mail"
        received = [path.read_bytes() for path in sorted(mail.glob("*.eml"))]
        assert received == [
            "Subject: Доведь\r\n\r\nпершы\r\n".encode(),
            b"Subject: b\r\n\r\nsecond\r\n.\r\n..\r\n",
        ]
        assert [path.read_bytes() for path in (mail / "others").iterdir()] == [b"Subject: c\r\n\r\nthird\r\n"]
        assert sorted(path.name for path in mail.iterdir() if path.suffix != ".eml") == ["others"]


def test_a_mail_that_cannot_be_written_is_to_be_sent_again(tmp_path: Path) -> None:
    with embedded(tmp_path, ONLY_CATCHER) as services:
        (tmp_path / "demo" / "mail" / "others").rmdir()
        with smtplib.SMTP("127.0.0.1", int(services["EMAIL_URL"].rpartition(":")[2])) as client:
            with pytest.raises(smtplib.SMTPDataError) as refusal:
                client.sendmail("a@example.org", ["b@example.org"], b"Subject: c\r\n\r\nd\r\n")
            assert refusal.value.smtp_code == 451


# The supervisor -------------------------------------------------------------------------------------------------------


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_end_of_one_process_ends_all() -> None:
    with Processes() as processes:
        steady = processes.start("The steady one", ["sleep", "60"])
        processes.start("The weak one", python("import sys; sys.exit(3)"))
        with pytest.raises(Ended, match=r"The weak one has ended \(exit code 3\)"):
            processes.wait(lambda: False)
    assert steady.returncode == -signal.SIGTERM


def test_what_is_to_be_kept_is_started_again_and_nobody_else_ends(capfd: pytest.CaptureFixture[str]) -> None:
    with Processes() as processes:
        steady = processes.start("The steady one", ["sleep", "60"])
        processes.keep("The kept one", ["sleep", "60"])
        first = processes.children["The kept one"]
        first.kill()
        first.wait()
        processes.check()
        second = processes.children["The kept one"]
        assert second.pid != first.pid
        assert (second.poll(), steady.poll()) == (None, None)
    assert "The kept one has ended (killed by SIGKILL). It is started again." in capfd.readouterr().err


def test_what_ends_time_and_again_is_given_up(capfd: pytest.CaptureFixture[str]) -> None:
    with Processes() as processes:
        processes.keep("The hopeless one", python("import sys; sys.exit(3)"))
        with pytest.raises(Ended, match=r"The hopeless one has ended \(exit code 3\)"):
            processes.wait(lambda: False, timeout=30)
    assert capfd.readouterr().err.count("started again") == REVIVALS


def test_who_does_not_listen_is_killed_with_all_its_children() -> None:
    deaf = """
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
signal.pause()
"""
    with Processes(grace=0.2) as processes:
        child = processes.start("The deaf one", python(deaf), stdout=subprocess.PIPE)
        assert child.stdout
        grandchild = int(child.stdout.readline())
        child.stdout.close()
    assert child.returncode == -signal.SIGKILL
    eventually(lambda: not alive(grandchild))


def test_a_process_that_never_answers_is_not_waited_for_forever() -> None:
    with Processes() as processes:
        processes.start("The slow one", ["sleep", "60"])
        with pytest.raises(Ended, match="did not answer within 0 seconds"):
            processes.wait(lambda: False, timeout=0.1)


# manage.py up ---------------------------------------------------------------------------------------------------------


def up(var_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Ask whether the site could be served."""
    return subprocess.run(
        [sys.executable, "manage.py", "up", "--check"],
        cwd=BASE_DIR,
        env=os.environ | {"VAR_DIR": str(var_dir)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def child_of(parent: int, word: str) -> int | None:
    """The child of a process whose command has this word in it."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            ppid = int(stat.read_text().rpartition(")")[2].split()[1])
            command = (stat.parent / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if ppid == parent and word.encode() in command:
            return int(stat.parent.name)
    return None


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the worker in /proc")
def test_kill_9_of_the_worker_leaves_the_pages_up_and_a_new_worker(tmp_path: Path) -> None:
    port = free_port()
    named = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PUBLIC_URL", "HOST")
    kept = {name: value for name, value in os.environ.items() if name not in named}
    environment = kept | {"VAR_DIR": str(tmp_path), "PORT": str(port), "DJANGO_SETTINGS_MODULE": "campaign.settings"}
    migrate, up = ([sys.executable, "manage.py", *words] for words in (["migrate", "--verbosity=0"], ["up"]))
    subprocess.run(migrate, check=True, cwd=BASE_DIR, env=environment)
    with Processes(grace=30) as processes, (tmp_path / "log").open("wb") as log:
        site = processes.start("up", up, stdout=log, stderr=log, cwd=BASE_DIR, env=environment)
        said = (tmp_path / "log").read_text
        processes.wait(lambda: "Ctrl-C" in said(), 120)
        assert f"The site is at http://localhost:{port}/" in said()
        worker = child_of(site.pid, "worker")
        assert worker
        os.kill(worker, signal.SIGKILL)
        processes.wait(lambda: child_of(site.pid, "worker") not in (worker, None), 30)
        assert "The worker has ended (killed by SIGKILL). It is started again." in said()

        # What a visitor's headers say moves no address, and keeps nobody out.
        for path in ("/", "/en/about/", "/healthz", "/desk/"):
            asked = Request(f"http://localhost:{port}{path}", headers={"SCRIPT_NAME": "/elsewhere"})
            with urlopen(asked, timeout=30) as answer:
                assert answer.status == 200
                assert "/elsewhere" not in answer.url + answer.read().decode()


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = up(tmp_path, PORT=str(server.getsockname()[1]))
    assert answer.returncode == 1
    assert "Address already in use" in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "٣"])
def test_a_port_that_is_none_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(CommandError, match="it must be a number from 1 to 65535") as said:
        call_command("up", "--check")
    assert "\n" not in str(said.value)


def test_a_free_port_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", str(free_port()))
    call_command("up", "--check")
