from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaign import catalogues


class Command(BaseCommand):
    help = "Compiles the catalogues of locale/. With --update, first brings them level with the code."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--update", action="store_true", help="add new strings, drop old ones")
        parser.add_argument("--check", action="store_true", help="fail where a string lacks its translation")

    def handle(self, *args: Any, update: bool, check: bool, **options: Any) -> None:
        if update:
            for language in catalogues.languages():
                catalogues.update(language)
        catalogues.compile_all()
        found = [problem for language in catalogues.languages() for problem in catalogues.problems(language)]
        if found and check:
            raise CommandError("\n".join([*found, f"{len(found)} strings want attention."]))
        self.stdout.write(f"Compiled; {len(found)} strings want attention.")
