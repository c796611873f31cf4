from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from letters.models import Letter
from signatories.models import Signature
from signatories.services import importing
from signatories.services.imported_rows import Survey, look_through
from signatories.tables import Unreadable


class Command(BaseCommand):
    help = (
        "Makes signatures of the rows of a table, CSV or XLSX: all of them or, where anything is wrong, none. "
        "Whoever stands under the letter already is passed over. Nobody is mailed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("letter", help="its slug")
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="only look through the table")
        parser.add_argument(
            "--visibility",
            choices=Signature.Visibility.values,
            default=Signature.Visibility.WITHHELD,
            help="for rows that don't say whether the name may be published (default: %(default)s)",
        )
        parser.add_argument("--by", metavar="EMAIL", help="the member of staff whose decision it is")

    def handle(self, *args: Any, **options: Any) -> None:
        letter, by = _letter(options["letter"]), _staff(options["by"])
        try:
            with options["file"].open("rb") as file:
                if options["dry_run"]:
                    survey, _rows = look_through(letter, file)
                else:
                    survey = importing.import_file(letter, file, by=by, visibility=options["visibility"])
        except OSError as error:
            raise CommandError(f"{options['file']} can’t be read: {error.strerror}.") from None
        except Unreadable as error:
            raise CommandError(str(error)) from None
        self._tell(survey)
        if survey.problem_count:
            raise CommandError(f"Nothing was imported. What is wrong with the table: {survey.problem_count} times.")
        self.stdout.write(f"{'To import' if options['dry_run'] else 'Imported'}: {survey.new}.")

    def _tell(self, survey: Survey) -> None:
        self.stdout.write(f"{survey.described}. Rows: {survey.rows}.")
        if survey.sheets_left_out:
            self.stdout.write(f"Sheets that are not read: {', '.join(survey.sheets_left_out)}.")
        if survey.unread:
            self.stdout.write(f"Columns that are not read: {', '.join(survey.unread)}.")
        self.stdout.write(f"Already under the letter: {survey.known}. Withdrawn here: {survey.withdrawn}.")
        for problem in survey.problems:
            place = f"Row {problem.row}, {problem.heading}" if problem.heading else f"Row {problem.row}"
            self.stderr.write(f"{place}: {problem.message}")


def _letter(slug: str) -> Letter:
    try:
        return Letter.objects.get(slug=slug)
    except Letter.DoesNotExist:
        raise CommandError(f"There is no letter “{slug}”.") from None


def _staff(email: str | None) -> User | None:
    try:
        return User.objects.get(email=email) if email else None
    except User.DoesNotExist:
        raise CommandError(f"{email} is nobody of the staff.") from None
