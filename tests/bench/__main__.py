import tempfile
from pathlib import Path

from tests.bench.desk import measure_desk
from tests.bench.journey import measure_pdfs, measure_signing, time_demo
from tests.bench.mails import measure_mails
from tests.bench.paper import measure_paper
from tests.bench.publishing import measure_publishing
from tests.bench.site import quiet_bell, set_up, show
from tests.bench.tables import measure_tables


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        site = Path(directory) / "site"
        demo_seconds = time_demo(Path(directory) / "demo")
        set_up(site)
        with quiet_bell():
            measure_pdfs()
            measure_paper()
            measure_mails()
            measure_publishing(site)
            measure_signing(site)
            measure_tables(site)
            measure_desk()
        show("`manage.py demo`, start to end", f"{demo_seconds:.1f} s")


if __name__ == "__main__":
    main()
