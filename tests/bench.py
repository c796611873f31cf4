"""`make bench`: what things cost, on a site of its own. Ratios and counts outlast the machine they were taken on."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

BASE_DIR = Path(__file__).resolve().parent.parent
LETTER = "/en/letters/belarus-2020/"
POSTS = 200


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        demo_seconds = time_demo(Path(directory) / "demo")
        set_up(Path(directory) / "site")
        with quiet_bell():
            measure_pdfs()
            measure_queries()
            measure_signing()
        show("`manage.py demo`, start to end", f"{demo_seconds:.1f} s")


def set_up(var_dir: Path) -> None:
    """Django, on a SQLite of its own."""
    os.environ.update(own(var_dir), DJANGO_SETTINGS_MODULE="campaign.settings")
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # staff made by the thousand
    call_command("migrate", verbosity=0)


def time_demo(var_dir: Path) -> float:
    began = time.perf_counter()
    command = [sys.executable, "manage.py", "demo"]
    subprocess.run(command, cwd=BASE_DIR, env=os.environ | own(var_dir), check=True, capture_output=True)
    return time.perf_counter() - began


def measure_pdfs() -> None:
    """Three languages, one after the other, in a process that has made one before: as in a worker that is at work."""
    from tests.factories import make_edition, make_letter, make_signature, make_signatures_of_demo

    warm = make_letter(slug="warm")
    make_signature(warm)
    make_edition(warm, sealed=True)
    letter = make_letter()
    make_signatures_of_demo(letter)
    began = time.perf_counter()
    edition = make_edition(letter, sealed=True)
    show("three sealed PDFs, 40 signatories, warm", f"{time.perf_counter() - began:.2f} s (wanted: under 3 s)")
    for file in edition.files.order_by("language"):
        show(f"  PDF in {file.language}", f"{file.size / 1000:.0f} kB, {file.pages} pages")


def measure_queries() -> None:
    """To make the letter's page has to cost the same number of queries, whatever the number of signatories."""
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext

    from campaign.pages import LetterPage
    from letters.models import Letter
    from tests.factories import make_signature

    letter = Letter.objects.get(slug="belarus-2020")
    for wanted in (40, 400, 4000):
        with transaction.atomic():
            for _ in range(wanted - letter.signatures.approved().count()):
                make_signature(letter)
        with CaptureQueriesContext(connection) as queries:
            began = time.perf_counter()
            page = LetterPage().render("en", slug=letter.slug)
            took = time.perf_counter() - began
        cost = f"{len(queries)} queries, {len(page) / 1000:.0f} kB, {took:.2f} s"
        show(f"the letter's page, {wanted} signatories", cost)


def measure_signing() -> None:
    """Through every layer of a request, each form another signer's, beside a view that does nothing."""
    from django.test import Client

    from letters.models import Letter

    version = Letter.objects.get(slug="belarus-2020").version.pk
    browser = Client(SERVER_NAME="localhost")

    def sign(number: int) -> int:
        form = {
            "visibility": "public",
            "name": f"Bench organisation {number}",
            "country": "BY",
            "representative": "Example Person",
            "role": "Director",
            "email": f"signer@bench{number}.example.org",
            "consent": "on",
            "authority": "on",
            "version": version,
        }
        return browser.post(f"{LETTER}sign/", form).status_code

    signing = a_second(sign, 302)
    bare = a_second(lambda number: browser.get("/healthz").status_code, 200)
    show("signatures taken, one process", f"{signing:.0f} a second, 1/{bare / signing:.0f} of a view that does nothing")


def a_second(call: Callable[[int], int], expected: int) -> float:
    """How often `call` can be made in a second: the median of five rounds."""
    rates = []
    assert call(0) == expected
    for turn in range(5):
        began = time.perf_counter()
        for number in range(POSTS // 5):
            assert call(1 + turn * POSTS + number) == expected
        rates.append(POSTS / 5 / (time.perf_counter() - began))
    return statistics.median(rates)


def own(var_dir: Path) -> dict[str, str]:
    return {"VAR_DIR": str(var_dir), "DATABASE_URL": "", "REDIS_URL": "", "EMAIL_URL": ""}


@contextmanager
def quiet_bell() -> Iterator[None]:
    """There is no broker here: what is rung for waits in the database."""
    from ledger import bell

    with patch.object(bell, "_ring", lambda task, args: None):
        yield


def show(what: str, figure: str) -> None:
    print(f"{what:<45} {figure}", flush=True)


if __name__ == "__main__":
    main()
