"""`manage.py verify_pdf`: what the page "check a copy" says, in the terminal."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string

from dispatch import verification
from dispatch.forms import TOO_LARGE
from dispatch.inspection import Busy


class Command(BaseCommand):
    help = "Tells whether a PDF is one that we published, and unchanged. Exits with 0 only then."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        try:
            verdict = verification.of_copy(_read(file))
        except (Busy, OperationalError) as failure:
            raise CommandError("It can't be checked at the moment; try again later.") from failure
        if not verdict.is_genuine:
            raise CommandError(f"{verdict.heading}: {verdict.explanation}")
        self.stdout.write(
            render_to_string("dispatch/verdict.txt", {"verdict": verdict, "PUBLIC_URL": settings.PUBLIC_URL}).strip()
        )


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(verification.LIMIT + 1)
    except OSError as failure:
        raise CommandError(f"{path} can't be read: {failure.strerror}.") from failure
    if not data:
        raise CommandError(f"{path} is empty.")
    if len(data) > verification.LIMIT:
        raise CommandError(str(TOO_LARGE) % {"limit": filesizeformat(verification.LIMIT)})
    return data
