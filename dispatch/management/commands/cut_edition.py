"""`manage.py cut_edition`: what the desk's button does, in the terminal."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dispatch.seal import NoCertificate
from dispatch.services import editions
from letters.models import Letter


class Command(BaseCommand):
    """Names nobody: a terminal is no desk."""

    help = "Freezes text, approved signatories and addressees of a letter as its next edition; workers typeset it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("letter", help="the address of the letter, as in /en/letters/ADDRESS/")

    def handle(self, *args: Any, letter: str, **options: Any) -> None:
        try:
            cut = editions.cut_edition(Letter.objects.get(slug=letter), by=None)
        except Letter.DoesNotExist as error:
            raise CommandError(f"There is no letter {letter}.") from error
        except editions.NothingToFreeze as error:
            raise CommandError("It has no approved signatory or no addressee: there is nothing to freeze.") from error
        except NoCertificate as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Edition {cut.edition.number} is cut: {cut.edition.signatures.count()} signatures.")
        left_out = {"under review": cut.pending, "never confirmed": cut.unconfirmed, "of an earlier text": cut.earlier}
        for why, signatures in left_out.items():
            self.stdout.write(f"  not in it, {why}: {len(signatures)}")
