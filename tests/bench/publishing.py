"""What it costs to have pages read, changed and taken back."""

import os
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.load import Rate, load
from tests.bench.site import BASE_DIR, own, show

SLUG = "belarus-2020"
PAGE = f"/en/letters/{SLUG}/"
ROUNDS = 15  # short turns, so that what else the machine does meets each of them alike


def measure_publishing(var_dir: Path) -> None:
    """With 40 names, 400 and 4,000; what is wanted stands beside what was found."""
    from letters.models import Letter
    from publishing import services
    from tests.publishing.sealing import make_sealed_edition

    letter = Letter.objects.get(slug=SLUG)
    found = {}
    for count in (40, 400, 4000):
        add_signatories(count)
        measure_making(count)
        if count == 400:
            continue
        make_sealed_edition(letter)
        services.publish()
        found[count] = measure_reading(var_dir, count)
    (few, few_names), (many, many_names) = found[40], found[4000]
    show("  letter, 4,000 names beside 40, requests a second", f"{many / few:.2f} (wanted: 0.9 or more)")
    show("  all names, 4,000 beside 40, bytes a second", f"{many_names / few_names:.1f} (wanted: 1 or more)")
    measure_approval()
    measure_withdrawal()


def add_signatories(wanted: int) -> None:
    from django.db import transaction

    from letters.models import Letter
    from tests.factories import make_signature

    letter = Letter.objects.get(slug=SLUG)
    with transaction.atomic():
        for _ in range(wanted - letter.signatures.approved().count()):
            make_signature(letter)


def measure_making(count: int) -> None:
    """A page has to cost the same number of queries, whatever the number of names."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from campaign.pages.letters import LetterPage, Signatories

    for what, page in (("the letter", LetterPage()), ("all signatories", Signatories())):
        with CaptureQueriesContext(connection) as queries:
            began = time.perf_counter()
            data = page.render("en", slug=SLUG)
            took = time.perf_counter() - began
        show(f"{what} made, {count} names", f"{len(queries)} queries, {len(data) / 1000:.0f} kB, {took:.2f} s")


def measure_reading(var_dir: Path, count: int) -> tuple[float, float]:
    """The letter's rate as a part of the rate of an empty answer, and the bytes a second of the list of names."""
    with served("tests.bench.empty", var_dir) as empty, served("campaign.wsgi", var_dir) as site:
        load(empty, "/"), load(site, PAGE)  # both are awake
        rounds = [(load(empty, "/"), load(site, PAGE), load(site, f"{PAGE}signatories/")) for _ in range(ROUNDS)]
    nothing, letter, names = (_middle(rates) for rates in zip(*rounds, strict=True))
    part = statistics.median(page.requests / least.requests for least, page, _ in rounds)
    show(f"the letter served, {count} names", f"{_shown(letter)}; an empty answer: {nothing.requests:.0f} a second")
    show("  beside the empty answer", f"{part:.2f} (wanted: 0.7 or more)")
    show(f"all signatories served, {count} names", _shown(names))
    return part, names.megabytes


def measure_approval() -> None:
    from letters.models import Letter
    from publishing import services
    from signatories.services import approve
    from signatories.states import SignatureStatus
    from tests.factories import make_signature, make_user

    letter = Letter.objects.get(slug=SLUG)
    signature = make_signature(letter, name=f"Newcomer {secrets.token_hex(4)}", status=SignatureStatus.PENDING)
    reviewer = make_user()
    began = time.perf_counter()
    approve(signature, by=reviewer)
    written = services.write()
    took = time.perf_counter() - began
    files = f"{written.written} of {written.public} pages written"
    show("one approval among 4,000 names, until public", f"{took:.2f} s (wanted: under 3 s), {files}")


def measure_withdrawal() -> None:
    """Through the signer's own button; all that names them is gone when it answers."""
    from django.conf import settings
    from django.test import Client

    from letters.models import Letter
    from signatories import links

    signature = Letter.objects.get(slug=SLUG).signatures.public().order_by("pk")[20]
    browser = Client(SERVER_NAME="localhost")
    address = links.withdraw_url(signature).removeprefix(settings.PUBLIC_URL)
    began = time.perf_counter()
    answer = browser.post(address)
    took = time.perf_counter() - began
    assert answer.status_code == 302
    files = [path for path in (settings.PUBLISHED_ROOT / "current").rglob("*") if SLUG in str(path)]
    assert len(files) > 50
    assert not [path for path in files if path.suffix == ".pdf" or _names(path, signature.name)]
    show("one withdrawal among 4,000 names, until answered", f"{took:.2f} s (wanted: under 2 s)")


def _names(path: Path, name: str) -> bool:
    data = path.read_bytes() if path.suffix in (".html", ".json") else b""
    return any(f"{name}{after}".encode() in data for after in (" <", '"'))


@contextmanager
def served(module: str, var_dir: Path, **environment: str) -> Iterator[int]:
    """An application as `manage.py up` serves it, on the port that is given."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "gunicorn", f"{module}:application", f"--bind=127.0.0.1:{port}"),
        *("--worker-class=gthread", "--workers=2", "--threads=4", "--no-control-socket", "--log-level=error"),
    ]
    server = subprocess.Popen(command, cwd=BASE_DIR, env=os.environ | own(var_dir) | environment)
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def _middle(rates: tuple[Rate, ...]) -> Rate:
    return sorted(rates, key=lambda rate: rate.requests)[len(rates) // 2]


def _shown(rate: Rate) -> str:
    return f"{rate.requests:.0f} a second, {rate.size / 1000:.1f} kB, {rate.megabytes:.0f} MB/s"
