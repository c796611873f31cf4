"""Publishing to a store that speaks S3: a real one, on this machine."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import brotli
import pytest
from django.core.files.storage import storages
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from accounts.models import Role
from campaign.demo.load import load_letter
from campaign.embedded import BASE_DIR
from letters.models import Letter
from publishing import services, stores
from publishing.models import Lease
from signatories.services import approve, withdraw
from signatories.states import SignatureStatus
from tests.factories import make_edition, make_signature, make_user

pytestmark = pytest.mark.django_db

KEYS = {"AWS_ACCESS_KEY_ID": "of-the-tests", "AWS_SECRET_ACCESS_KEY": "of-the-tests"}
BUCKET = "public"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The store as anyone else sees it, with an empty bucket."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    yield client
    there = [{"Key": name} for name in names(client)]
    for start in range(0, len(there), 1000):  # as many as one request may name
        client.delete_objects(Bucket=BUCKET, Delete={"Objects": there[start : start + 1000]})
    client.delete_bucket(Bucket=BUCKET)


def names(client: Any) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


def objects(client: Any) -> dict[str, bytes]:
    return {name: client.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names(client)}


@pytest.fixture(scope="module")
def configured(server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the settings make of an operator's environment."""
    var_dir = tmp_path_factory.mktemp("var")
    script = "import json; from campaign.settings import STORAGES; print(json.dumps(STORAGES['published']))"
    environment = {"PUBLISHED_BUCKET": BUCKET, "AWS_S3_ENDPOINT_URL": server, "AWS_S3_REGION_NAME": "us-east-1"}
    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=BASE_DIR,
        env=os.environ | KEYS | environment | {"VAR_DIR": str(var_dir)},
        stdout=subprocess.PIPE,
        check=True,
    )
    backend: dict[str, Any] = json.loads(found.stdout)
    return backend


@pytest.fixture
def letter() -> Letter:
    letter = load_letter(by=make_user(Role.Name.CAMPAIGNER))
    make_signature(letter, name="First", is_lead=True)
    make_edition(letter, sealed=True)
    return letter


@pytest.fixture
def local(letter: Letter, settings: Settings) -> dict[str, bytes]:
    """What the tree of this host holds."""
    services.publish()
    current = Path(settings.STORAGES["published"]["OPTIONS"]["location"]) / "current"
    return {str(path.relative_to(current)): path.read_bytes() for path in current.rglob("*") if path.is_file()}


@pytest.fixture
def bucket(client: Any, configured: dict[str, Any], settings: Settings) -> Any:
    """The site publishes into the bucket."""
    settings.STORAGES = {**settings.STORAGES, "published": configured}
    return client


def test_the_bucket_holds_the_bytes_of_the_tree(local: dict[str, bytes], bucket: Any) -> None:
    written = services.publish()
    assert objects(bucket) == local
    assert written.written == written.public
    assert services.publish().written == 0, "what did not change is not sent again"


def test_only_what_changed_is_written_and_what_is_not_public_is_deleted(letter: Letter, bucket: Any) -> None:
    services.publish()
    before = objects(bucket)
    leaving = make_signature(letter, name="Leaving Org", status=SignatureStatus.PENDING)
    approve(leaving, by=make_user(Role.Name.REVIEWER))
    assert services.write().written == 10
    assert any(b"Leaving Org" in data for data in objects(bucket).values())
    withdraw(leaving)
    after = objects(bucket)
    assert not any(b"Leaving Org" in data for data in after.values())
    assert after.keys() == before.keys()
    services.take_down(f"letter:{letter.slug}")
    assert not [name for name in names(bucket) if f"letters/{letter.slug}" in name and not name.endswith(".pdf")]


def test_an_object_says_what_it_is(bucket: Any) -> None:
    kinds = {
        "en/index.html": ("text/html; charset=utf-8", None),
        "en/index.html.gz": ("text/html; charset=utf-8", "gzip"),
        "en/index.html.br": ("text/html; charset=utf-8", "br"),
        "en/feed.atom": ("application/atom+xml; charset=utf-8", None),
        "api/v1/index.json": ("application/json; charset=utf-8", None),
        "be/letters/belarus-2020/letter.pdf": ("application/pdf", None),
    }
    with stores.change() as change:
        for name in kinds:
            change.write(name, b"x")
    found = {name: bucket.head_object(Bucket=BUCKET, Key=name) for name in kinds}
    assert {name: (head["ContentType"], head.get("ContentEncoding")) for name, head in found.items()} == kinds
    assert {head["CacheControl"] for head in found.values()} == {"no-cache"}


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_writer_that_dies_between_objects_leaves_nothing_that_the_next_does_not_mend(
    bucket: Any, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    with stores.change() as change:
        services._write(change, "en/index.html", b"Leaving Org")
    write, calls = stores._Objects.write, count(1)

    def die(change: stores._Objects, name: str, data: bytes) -> None:
        if next(calls) == dies_at:
            raise ConnectionError
        write(change, name, data)

    with monkeypatch.context() as dying:
        dying.setattr(stores._Objects, "write", die)
        with pytest.raises(ConnectionError), stores.change() as change:
            services._write(change, "en/index.html", b"Others")
    with stores.change() as change:
        services._write(change, "en/index.html", b"Others")
    page, gzipped, brotlied = (objects(bucket)[f"en/index.html{ending}"] for ending in ("", ".gz", ".br"))
    assert page == gzip.decompress(gzipped) == brotli.decompress(brotlied) == b"Others"


def test_a_twin_that_was_left_behind_is_deleted(letter: Letter, bucket: Any) -> None:
    with stores.change() as change:
        change.write("en/letters/no-more/index.html.br", b"Leaving Org")
    services.publish()
    assert "en/letters/no-more/index.html.br" not in names(bucket)


def test_one_writer_at_a_time(bucket: Any) -> None:
    with stores.change() as change:
        change.write("en/index.html", b"1")
        assert Lease.objects.get().name == "objects"
        with pytest.raises(stores.Busy), stores.change(patience=0.05):
            pass
    assert not Lease.objects.exists()
    with stores.change(patience=0) as change:
        assert change.read("en/index.html") == b"1"
        assert change.read("en/nothing") is None
        assert change.names() == {"en/index.html"}
        change.delete("en/nothing")
        change.delete("en/index.html")
    assert objects(bucket) == {}


def test_the_lease_is_let_go_of_when_the_store_fails(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storages["published"], "bucket_name", "there-is-none")
    with pytest.raises(Exception, match="NoSuchBucket"), stores.change() as change:
        change.names()
    assert not Lease.objects.exists()


def test_an_address_carries_no_signature(bucket: Any) -> None:
    assert "?" not in storages["published"].url("en/index.html")
