from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ledger.states import registry

HEAD = """# States

Each kind of row below has one table of moves, in the `states.py` of its app, and changes only through
`ledger.services.move`. This page is generated: `manage.py draw_states` writes it, `make check` compares it.
"""


class Command(BaseCommand):
    help = "Draws every state machine into docs/states.md, from the tables in the code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="fail if the page is behind the code")

    def handle(self, *args: Any, **options: Any) -> None:
        page = Path(settings.BASE_DIR, "docs", "states.md")
        drawn = HEAD + "".join(
            f"\n## {name.capitalize()}\n\n```mermaid\n{machine.as_mermaid()}\n```\n"
            for name, machine in sorted(registry.items())
        )
        if not options["check"]:
            page.write_text(drawn, encoding="utf-8")
        elif not page.exists() or page.read_text(encoding="utf-8") != drawn:
            raise CommandError("docs/states.md is behind the code: run manage.py draw_states")
