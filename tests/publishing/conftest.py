"""Tests in this folder read the files that are published, as a reader gets them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import RequestFactory
from pytest_django import Settings

from publishing.serving import Published

Answer = tuple[int, dict[str, str], bytes]
Read = Callable[..., Answer]


@pytest.fixture(autouse=True)
def nothing_is_just_published(settings: Settings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != "tests.published.JustPublished"]


@pytest.fixture
def root(settings: Settings) -> Path:
    found: Path = settings.STORAGES["published"]["OPTIONS"]["location"]
    return found


@pytest.fixture
def read(root: Path, settings: Settings) -> Iterator[Read]:
    """The site as `campaign.wsgi` serves it: published files first, then Django."""
    application = Published(get_wsgi_application(), root / "current", settings.PUBLISHED_HEADERS)

    def ask(path: str, **headers: str) -> Answer:
        environ = RequestFactory(headers=headers).get("/").environ
        environ["PATH_INFO"] = path
        found: dict[str, Any] = {}
        request_started.disconnect(close_old_connections)  # the test's transaction goes on
        body = b"".join(application(environ, lambda status, sent, *_: found.update(status=status, headers=dict(sent))))
        return int(found["status"][:3]), found["headers"], body

    yield ask
    request_started.connect(close_old_connections)
