"""What a letter with many names costs on paper, each in a process of its own, so that one's memory is not another's."""

import json
import os
import subprocess
import sys

from tests.bench.site import BASE_DIR, show

COUNTS = (1_000, 3_000, 10_000)
LETTER = """
import json, resource, sys, time
import django
django.setup()
from datetime import datetime, UTC
from types import SimpleNamespace
from dispatch import pdf
content = json.load(sys.stdin)
edition = SimpleNamespace(content=content, cut_at=datetime(2020, 8, 5, tzinfo=UTC))
pdf.press()
began = time.process_time()
document = pdf.render(edition, "en")
seconds = time.process_time() - began
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, document.pages]))
"""
TABLE = """
import json, resource, sys, time
import weasyprint
names = [entry["name"]["en"] for entry in json.load(sys.stdin)["signatories"]]
rows = "".join(f"<tr><td>{place}</td><td>{name}</td></tr>" for place, name in enumerate(names, 1))
began = time.process_time()
weasyprint.HTML(string=f"<html lang=en><title>Names</title><table>{rows}</table>").write_pdf(pdf_variant="pdf/ua-1")
seconds = time.process_time() - began
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, 0]))
"""


def measure_paper() -> None:
    content = _content()
    seconds = {}
    for count in COUNTS:
        seconds[count], memory, pages = _run(LETTER, {**content, "signatories": _signatories(count)})
        figures = f"{seconds[count]:.1f} s of a processor, {memory:.0f} MB, {pages:.0f} pages"
        show(f"a letter on paper, {count} names, tagged", figures)
    wanted = "(wanted: under 200 MB)"
    show("  memory at the most", f"{memory:.0f} MB {wanted}")
    growth = (seconds[10_000] - seconds[1_000]) / 9 / max(seconds[1_000], 1e-9)
    show("  a further thousand beside the first", f"{growth:.2f} (wanted: 1 or less, for it to be linear)")
    table, _, _ = _run(TABLE, {"signatories": _signatories(10_000)})
    share = seconds[10_000] / table
    show("  beside a table of the same names", f"{share:.2f} of its {table:.1f} s (wanted: 0.25 or less)")


def _content() -> dict[str, object]:
    from dispatch.content import frozen
    from letters.models import Letter

    return frozen(Letter.objects.get(slug="belarus-2020"), 1, [], certificate="0" * 64)


def _signatories(count: int) -> list[dict[str, object]]:
    """The demonstration's organisations over and over, each with a number of its own."""
    from tests.factories import demo_data

    names = [entry["name"] for entry in demo_data("organisations")["organisations"]]
    shared = {"country": "BY", "is_lead": False, "is_individual": False, "affiliation": ""}
    return [
        {**shared, "signature": number, "name": {"en": f"{names[number % len(names)]} {number}"}}
        for number in range(count)
    ]


def _run(script: str, content: dict[str, object]) -> tuple[float, float, float]:
    """Seconds of a processor, megabytes at the most, pages."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=BASE_DIR,
        env=os.environ,
        input=json.dumps(content),
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory, pages = json.loads(done.stdout)
    return seconds, memory, pages
