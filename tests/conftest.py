"""What every test stands on: directories of its own, no broker, and a worker to call when one is needed."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings as configured
from django.db import connection
from django.utils import translation
from django.utils.module_loading import import_string
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from campaign.embedded import free_port
from campaign.management.commands.catch_mail import Catcher
from ledger import bell
from tests.factories import turn_on_the_switch

Rung = list[tuple[Callable[..., Any], tuple[Any, ...]]]


# Files whose tests take longer than others, counted in usual tests: the longest are begun first, so that in the end no
# process works on alone.
AS_MANY_AS = {"test_browser": 800, "test_demo": 700, "test_languages": 500, "test_s3": 300, "test_embedded": 250}
MEMORY = Path("/dev/shm")
ENOUGH = 2 * 1024**3  # bytes


def pytest_configure() -> None:
    """No test outlives a loss of power: what it writes stays in memory, where there is room.

    Pages and the database are written with fsync; on a disk, tests would wait for that for a third of their time.
    """
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(trylast=True)  # after they were shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The costliest files first; the order within a file is kept."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (-tests[item.path] - AS_MANY_AS.get(item.path.stem, 0), item.path))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the fault runs came to, all rounds together."""
    total: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, counted in getattr(report, "user_properties", []) if report.when == "call" else []:
            if name == "faults":
                total.update(counted)
    if total:
        terminalreporter.write_line("Faults: " + ", ".join(f"{count} {what}" for what, count in total.items()))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite in a file, as in production: threads and processes of a test meet in it and wait for each other."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(autouse=True)
def own_settings(settings: Settings, tmp_path: Path) -> None:
    """Nothing that a test writes stays, none sees another’s files or seal."""
    settings.VAR_DIR = tmp_path / "var"
    settings.VAR_DIR.mkdir()
    settings.MEDIA_ROOT = settings.VAR_DIR / "media"
    published = {"BACKEND": "publishing.stores.LocalTree", "OPTIONS": {"location": settings.VAR_DIR / "public"}}
    settings.STORAGES = {**settings.STORAGES, "published": published}


@pytest.fixture(autouse=True)
def in_english() -> None:
    """A test begins in English, whatever language the one before it ended in."""
    translation.activate("en")


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> Rung:
    """The tasks that were rung for after a commit. Nobody hears the bell unless the test calls `worker`."""
    heard: Rung = []
    monkeypatch.setattr(bell, "_ring", lambda task, args: heard.append((task, args)))
    return heard


@pytest.fixture(autouse=True)
def switched_on(request: pytest.FixtureRequest, own_settings: None, _django_db_marker: None) -> None:
    """Somebody has turned the stop switch on and let this host in, but for tests of just that (`untouched_switch`)."""
    wants_rows = request.node.get_closest_marker("django_db") or {"db", "transactional_db"} & set(request.fixturenames)
    if wants_rows and not request.node.get_closest_marker("untouched_switch"):
        request.getfixturevalue("_django_db_helper")
        turn_on_the_switch()


@pytest.fixture
def worker(rung: Rung, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Callable[[], None]:
    """Do the work that waits in the database, as the scheduler's sweeps find it, until they find no more."""
    schedule = configured.CELERY_BEAT_SCHEDULE.items()
    sweeps = [import_string(str(entry["task"])) for name, entry in schedule if name.startswith("sweep-")]

    def found() -> Rung:
        rung.clear()
        with django_capture_on_commit_callbacks(execute=True):
            for sweep in sweeps:
                sweep()
        return rung.copy()

    def work() -> None:
        done: Rung = []
        while (waiting := found()) and waiting != done:
            for task, args in waiting:
                task(*args)
            done = waiting

    return work


@pytest.fixture
def mailboxes(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """A mail server that writes what it takes into files: letters at the top, mail to signers under `others`."""
    folder = tmp_path / "mail"
    (folder / "others").mkdir(parents=True)
    catcher = Catcher(folder, configured.RETURN_ADDRESS)
    server = Controller(catcher, hostname="127.0.0.1", port=free_port())
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.SENDING_ENABLED = True
    yield folder
    server.stop()
