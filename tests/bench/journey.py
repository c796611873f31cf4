"""What the journey costs: its PDFs, its pages, its forms."""

import os
import statistics
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from campaign.embedded import embedded
from tests.bench.load import load_form
from tests.bench.publishing import ROUNDS, served
from tests.bench.site import BASE_DIR, own, show

if TYPE_CHECKING:
    from letters.models import Letter

LETTER = "/en/letters/belarus-2020/"
# So many in a second are no attack here; what the form asks to know it is asked all the same.
UNGUARDED = {"GUARD_WITHIN": "1", "GUARD_AFTER": "100000"}
SIGNING = {
    "visibility": "public",
    "name": "Bench organisation {}",
    "country": "BY",
    "representative": "Example Person",
    "role": "Director",
    "email": "signer@bench{}.example.org",
    "consent": "on",
    "authority": "on",
}


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


def measure_signing(var_dir: Path) -> None:
    """A signature with its event and its mail, beside the least that Django does for a form, on the same database."""
    from django.db import connection

    from letters.models import Letter

    letter = Letter.objects.get(slug="belarus-2020")
    command = [sys.executable, "-m", "tests.bench.minimal"]
    subprocess.run(command, cwd=BASE_DIR, env=os.environ | own(var_dir), check=True)
    parts = {}
    for stored in (100, 100_000):
        add_unconfirmed(letter, stored)
        rate, parts[stored] = _beside_minimal(var_dir, {**SIGNING, "version": str(letter.version.pk)})
        show(f"signatures taken, {stored:,} stored", f"{rate:.0f} a second")
        show("  beside a ModelForm with a unique constraint", f"{parts[stored]:.2f} (wanted: 0.4 or more)")
    show("  100,000 stored beside 100", f"{parts[100_000] / parts[100]:.2f} (wanted: 0.9 or more)")
    connection.close()


def _beside_minimal(var_dir: Path, form: dict[str, str]) -> tuple[float, float]:
    """Signatures a second, and what part that is of the ModelForm's, in short turns one after the other."""
    with (
        embedded(var_dir, {}) as services,
        served("tests.bench.minimal", var_dir) as minimal,
        served("campaign.wsgi", var_dir, **services, **UNGUARDED) as site,
    ):

        def both() -> tuple[float, float]:
            return load_form(minimal, "/sign/", form).requests, load_form(site, f"{LETTER}sign/", form).requests

        both()  # both are awake
        rounds = [both() for _ in range(ROUNDS)]
    return statistics.median(ours for _, ours in rounds), statistics.median(ours / least for least, ours in rounds)


def add_unconfirmed(letter: "Letter", wanted: int) -> None:
    """Signatures of organisations that nobody has confirmed yet: what a form meets most of."""
    from django.db import connection
    from django.utils import timezone

    from signatories.folding import fold_name, mailbox
    from signatories.models import Signature

    version, yesterday = letter.version, timezone.now() - timedelta(days=1)
    for start in range(letter.signatures.count(), wanted, 1000):
        rows = []
        for number in range(start, min(start + 1000, wanted)):
            name, email = f"Stored organisation {number}", f"signer@stored{number}.example.org"
            rows.append(
                Signature(
                    letter=letter,
                    version=version,
                    visibility="public",
                    name_en=name,
                    folded_name=fold_name(name),
                    country="BY",
                    email=email,
                    mailbox=mailbox(email),
                    language="en",
                    signed_at=yesterday,
                )
            )
        Signature.objects.bulk_create(rows)
    if connection.vendor == "postgresql":  # as its own housekeeping does within a minute
        connection.cursor().execute("ANALYZE")
