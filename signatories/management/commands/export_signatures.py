import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from letters.models import Letter
from signatories.services.exporting import KINDS, export


class Command(BaseCommand):
    help = (
        "Writes every signature of a letter into a table, CSV or XLSX as the file's name says. It names those "
        "whose names are withheld, and how to reach them: only its owner can read the file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("letter", help="its slug")
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        path, kind = options["file"], options["file"].suffix.lower().removeprefix(".")
        if kind not in KINDS:
            raise CommandError("The name of the file ends in .csv or .xlsx.")
        try:
            letter = Letter.objects.get(slug=options["letter"])
        except Letter.DoesNotExist:
            raise CommandError(f"There is no letter “{options['letter']}”.") from None
        unfinished = path.with_name(f".{path.name}.new")
        try:
            unfinished.unlink(missing_ok=True)
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.writelines(export(letter, kind, by=None))
            unfinished.replace(path)
        except OSError as error:
            raise CommandError(f"{path} can’t be written: {error.strerror}.") from None
        self.stdout.write(f"Written: {path}. Signatures: {letter.signatures.count()}.")
