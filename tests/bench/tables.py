"""What a large table costs: imported and exported by the commands, each in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.site import BASE_DIR, own, show

ROWS = 100_000


def measure_tables(site: Path) -> None:
    """One half approved, so that the registry grows, too."""
    from signatories.tables import COLUMNS, csv_pieces, xlsx_pieces
    from tests.factories import make_letter

    folder = site.parent
    for kind, pieces in (("csv", csv_pieces), ("xlsx", xlsx_pieces)):
        letter = make_letter(slug=f"table-{kind}", published=False)
        path, back = folder / f"table.{kind}", folder / f"back.{kind}"
        with path.open("wb") as file:
            file.writelines(pieces(COLUMNS, _rows(kind)))
        wanted = "(wanted: under 120 s and 300 MB)"
        show(f"{ROWS} signatures imported, {kind}", f"{_cost(site, 'import_signatures', letter.slug, path)} {wanted}")
        show(f"  exported, {kind}", _cost(site, "export_signatures", letter.slug, back))
        assert back.read_bytes() == path.read_bytes()


def _rows(kind: str) -> Iterator[list[str]]:
    for number in range(ROWS):
        yield [
            f"Арганізацыя {number} «Слова & праўда», {kind}",
            f"Назва {number}",
            f"Название {number}",
            "BY",
            f"https://org{number}.example.org",
            f"Example Person {number}",
            "Director",
            f"person@org{number}.example.org",
            ("public", "withheld")[number % 10 == 0],
            ("pending", "approved")[number % 2],
            f"2020-08-05T12:00:{number % 60:02d}Z",
        ]


def _cost(site: Path, *command: object) -> str:
    began = time.perf_counter()
    arguments = [sys.executable, "manage.py", *map(str, command)]
    process = subprocess.Popen(
        arguments, cwd=BASE_DIR, env=os.environ | own(site), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    taken, busy = time.perf_counter() - began, usage.ru_utime + usage.ru_stime
    return f"{taken:.0f} s ({busy:.0f} s of a processor), {usage.ru_maxrss / 1024:.0f} MB"
