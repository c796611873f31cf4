"""The bell against a real Valkey and a real worker: whoever looks for work by itself is called once until it looks."""

import time
from collections.abc import Callable, Iterator

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from redis import Redis

from campaign.embedded import embedded
from ledger import bell
from ledger.bell import ring

_ring = bell._ring  # what tests of everything else are kept from


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded(tmp_path_factory.mktemp("bell"), {"EMAIL_URL": "-"}) as services:
        yield services["REDIS_URL"]


@pytest.fixture
def broker(valkey: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    monkeypatch.setattr(bell, "_ring", _ring)
    settings.CELERY_BROKER_URL = valkey
    bell._broker.cache_clear()
    broker = Redis.from_url(valkey)
    broker.flushdb()
    yield broker
    bell._broker.cache_clear()


@pytest.fixture
def app(broker: Redis, valkey: str) -> Celery:
    return Celery("bell", broker=valkey, task_ignore_result=True, set_as_current=False)


def waiting(broker: Redis) -> int:
    return int(broker.llen("celery"))  # type: ignore[arg-type]


@pytest.mark.django_db
class TestRinging:
    def test_whoever_looks_for_work_is_called_once_until_it_looks(
        self, app: Celery, broker: Redis, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        looked = []

        @app.task(shared=False)
        def look() -> None:
            looked.append(1)

        with django_capture_on_commit_callbacks(execute=True):
            for _ in range(5):
                ring(look)
        assert waiting(broker) == 1
        with start_worker(app, perform_ping_check=False, pool="solo"):
            until(lambda: len(looked) == 1)
            with django_capture_on_commit_callbacks(execute=True):
                ring(look)
            until(lambda: len(looked) == 2)

    def test_while_it_looks_it_is_called_again(
        self, app: Celery, broker: Redis, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        """It may have looked past what was committed since."""
        runs = []

        @app.task(shared=False)
        def look() -> None:
            runs.append(1)
            if len(runs) == 1:
                bell._ring(look, ())

        with django_capture_on_commit_callbacks(execute=True):
            ring(look)
        with start_worker(app, perform_ping_check=False, pool="solo"):
            until(lambda: len(runs) == 2)

    def test_work_that_is_named_is_called_for_by_its_name(
        self, app: Celery, broker: Redis, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        @app.task(shared=False)
        def look_at(pk: int) -> None: ...

        with django_capture_on_commit_callbacks(execute=True):
            for pk in (1, 1, 2):
                ring(look_at, pk)
        assert waiting(broker) == 3

    def test_an_emptied_broker_is_rung_at_again(
        self, app: Celery, broker: Redis, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        @app.task(shared=False)
        def look() -> None: ...

        for _ in range(2):
            with django_capture_on_commit_callbacks(execute=True):
                ring(look)
            assert waiting(broker) == 1
            broker.flushdb()

    def test_with_the_broker_away_nobody_waits(
        self,
        app: Celery,
        settings: Settings,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
        bell._broker.cache_clear()

        @app.task(shared=False)
        def look() -> None: ...

        with django_capture_on_commit_callbacks(execute=True):
            ring(look)
        assert f"did not hear of {look.name}" in caplog.text


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
