"""`manage.py demo` as an operator runs it: the command, its worker, its Valkey and its mail catcher, all real."""

import email
import email.policy
import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

import pypdf
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from campaign.embedded import BASE_DIR, Processes, free_port
from tests.factories import demo_data

LANGUAGES = ("en", "be", "ru")
ENOUGH = 300.0  # seconds, on a machine that is busy with all the other tests; `make bench` tells how long it takes


def environment(var_dir: Path, **more: str) -> dict[str, str]:
    """A site of its own: no database, broker or mail server that this machine may have."""
    named = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SEAL_P12", "SENDING_ENABLED")
    kept = {name: value for name, value in os.environ.items() if name not in named}
    return kept | {"VAR_DIR": str(var_dir)} | more


def demo(var_dir: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "demo"]
    env = environment(var_dir, **more)
    return subprocess.run(command, cwd=BASE_DIR, env=env, capture_output=True, text=True, timeout=ENOUGH, check=False)


@dataclass
class Interrupted:
    """What a journey says and leaves that is interrupted with Ctrl-C once its signatures are approved."""

    var_dir: Path
    approved: list[bytes]
    code: int
    said: bytes
    left_behind: list[str]


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    var_dir = tmp_path_factory.mktemp("demo")
    command, env = [sys.executable, "-u", "manage.py", "demo"], environment(var_dir)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Processes() as processes:
        journey = processes.start("demo", command, cwd=BASE_DIR, env=env, **pipes)
        assert journey.stdout
        approved = next(([line] for line in journey.stdout if b"signatures were approved" in line), [])
        journey.send_signal(signal.SIGINT)
        _, said = journey.communicate(timeout=ENOUGH)
    return Interrupted(var_dir, approved, journey.returncode, said, left_behind(var_dir))


@pytest.fixture(scope="module")
def made(interrupted: Interrupted) -> Path:
    """VAR_DIR after the journey. It reaches the same end whether or not it was interrupted, so it was."""
    done = demo(interrupted.var_dir)
    assert done.returncode == 0, done.stderr
    return interrupted.var_dir


@pytest.fixture(scope="module")
def site(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address at which `manage.py up` serves what the journey left."""
    port = free_port()
    with Processes() as processes, (made / "up.log").open("wb") as log:
        env = environment(made, PORT=str(port), PUBLIC_URL=f"http://127.0.0.1:{port}")
        processes.start("up", [sys.executable, "manage.py", "up"], cwd=BASE_DIR, env=env, stdout=log, stderr=log)
        processes.wait(lambda: answers(f"http://127.0.0.1:{port}/healthz"), ENOUGH)
        yield f"http://127.0.0.1:{port}"


def test_forty_signatories_stand_on_each_languages_page(site: str) -> None:
    for language in LANGUAGES:
        page = get(f"{site}/{language}/letters/belarus-2020/").decode()
        named, withheld = signatories(language)
        assert [name for name in named if as_read(name) not in as_read(page)] == []
        assert len(named) + withheld == 40
        assert re.search(r"\b40\b", page)


def test_forty_signatories_stand_in_each_pdf(made: Path) -> None:
    for language in LANGUAGES:
        text = text_of((made / f"demo/letter-{language}.pdf").read_bytes())
        named, withheld = signatories(language)
        assert [name for name in named if as_read(name) not in text] == []
        assert len(named) + withheld == 40


def test_the_words_in_the_pdf_are_intact(made: Path) -> None:
    data = demo_data("letter")
    for language in LANGUAGES:
        text = text_of((made / f"demo/letter-{language}.pdf").read_bytes())
        assert as_read(data["letter"]["subject"][language]) in text
        assert as_read(data["blocks"][0][language]) in text
    subject = data["letter"]["subject"]["be"] + data["blocks"][0]["be"]
    assert {"ў", "і"} <= set(subject), "the letters that a wrong font loses"


def test_each_office_has_one_mail_with_the_published_pdf_of_its_language(made: Path, site: str) -> None:
    published = {code: get(f"{site}/{code}/letters/belarus-2020/letter.pdf") for code in LANGUAGES}
    for language, data in published.items():
        assert (made / f"demo/letter-{language}.pdf").read_bytes() == data
        page = get(f"{site}/{language}/letters/belarus-2020/editions/1/").decode()
        assert all(hashlib.sha256(pdf).hexdigest() in page for pdf in published.values())
    languages = {entry["email"]: entry["language"] for entry in demo_data("recipients")["recipients"]}
    mails = received(made)
    assert sorted(parseaddr(str(mail["To"]))[1] for mail in mails) == sorted(languages)
    for mail in mails:
        language = languages[parseaddr(str(mail["To"]))[1]]
        attached = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
        assert attached == {f"letter-{code}.pdf": published[code] for code in {language, "en"}}
        assert mail["Content-Language"] == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_seal_holds_over_the_whole_document(made: Path, language: str) -> None:
    path = made / f"demo/letter-{language}.pdf"
    try:
        said = subprocess.run(["pdfsig", str(path)], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        pytest.skip("pdfsig is not installed (Debian: poppler-utils)")
    assert "Signature is Valid" in said
    assert "Total document signed" in said


def test_a_second_journey_sends_nothing(made: Path) -> None:
    before = sorted((made / "demo/mail").rglob("*.eml"))
    again = demo(made)
    assert again.returncode == 0, again.stderr
    assert sorted((made / "demo/mail").rglob("*.eml")) == before
    assert len(received(made)) == 5


def test_interrupted_it_says_so_and_leaves_nobody_behind(interrupted: Interrupted) -> None:
    assert b"40 signatures were approved." in b"".join(interrupted.approved)
    assert interrupted.code == 130
    assert b"Interrupted" in interrupted.said
    assert b"Traceback" not in interrupted.said
    assert interrupted.left_behind == []


def test_run_again_it_reaches_its_end(made: Path) -> None:
    assert len(received(made)) == 5
    assert len(list((made / "demo").glob("letter-*.pdf"))) == 3


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"VAR_DIR": "{file}/var"}, "VAR_DIR"),
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}, "connection"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "REDIS_URL"),
    ],
    ids=["var-dir", "no-database", "no-redis"],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, wrong: dict[str, str], named: str) -> None:
    file = tmp_path / "a-file"
    file.write_text("neither a directory nor a certificate")
    told = demo(tmp_path / "var", **{name: value.format(file=file) for name, value in wrong.items()})
    assert told.returncode not in (0, None)
    [line] = told.stderr.splitlines()
    assert named in line


@pytest.mark.parametrize("name", ["a-file", "no-such-file"])
def test_a_certificate_that_is_none_is_said_before_anything_else(tmp_path: Path, settings: Settings, name: str) -> None:
    (tmp_path / "a-file").write_text("no certificate")
    settings.SEAL_P12 = str(tmp_path / name)
    with pytest.raises(CommandError, match="SEAL_P12") as said:
        call_command("demo")
    assert "\n" not in str(said.value)


def signatories(language: str) -> tuple[list[str], int]:
    """The names to be read in `language`, and how many are withheld."""
    data = demo_data("organisations")
    entries = [data["lead"], *data["organisations"]]
    named = [entry.get(f"name_{language}") or entry["name"] for entry in entries if entry["publishable"]]
    return named, len(entries) - len(named)


def received(var_dir: Path) -> list[EmailMessage]:
    mails = sorted((var_dir / "demo/mail").glob("*.eml"))
    return [email.message_from_bytes(mail.read_bytes(), policy=email.policy.default) for mail in mails]


def text_of(pdf: bytes) -> str:
    return as_read("".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages))


def as_read(text: str) -> str:
    """Without what the setting of a text adds and takes: spaces, and hyphens where lines break."""
    return re.sub(r"[\s\u00ad\u2010-]", "", text).replace("&amp;", "&")


def get(address: str) -> bytes:
    with urlopen(address, timeout=20) as answer:
        body: bytes = answer.read()
    return body


def answers(address: str) -> bool:
    try:
        return get(address) != b""
    except OSError:
        return False


def left_behind(var_dir: Path) -> list[str]:
    """Processes that still carry this VAR_DIR; none to be seen where there is no /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"VAR_DIR={var_dir}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has ended meanwhile, or is somebody else's
            continue
    return found
