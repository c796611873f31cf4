"""What the journey costs: its PDFs, its pages, its forms."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.site import BASE_DIR, own, show

LETTER = "/en/letters/belarus-2020/"
POSTS = 200


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
    make_edition(warm, sealed=True, for_real=True)
    letter = make_letter()
    make_signatures_of_demo(letter)
    began = time.perf_counter()
    edition = make_edition(letter, sealed=True, for_real=True)
    show("three sealed PDFs, 40 signatories, warm", f"{time.perf_counter() - began:.2f} s (wanted: under 3 s)")
    for file in edition.files.order_by("language"):
        show(f"  PDF in {file.language}", f"{file.size / 1000:.0f} kB, {file.pages} pages")


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
