from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from publishing import mirrors, stores


class Command(BaseCommand):
    help = "Copies the public pages into a folder of their own. Only what changed is written; what is gone is deleted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, help="empty, not there yet, or a mirror of this site")
        parser.add_argument("--address", help="where the public finds it: https://mirror.example.org; “” takes it back")
        parser.add_argument("--forget", action="store_true", help="count it among the mirrors no more; its files stay")

    def handle(self, *args: Any, folder: Path, address: str | None, forget: bool, **options: Any) -> None:
        try:
            said = self._forget(folder) if forget else self._mirror(folder, address)
        except mirrors.NotAMirror as refusal:
            raise CommandError(str(refusal)) from None
        except mirrors.NotAnAddress as stated:
            raise CommandError(f"{stated} is not the address of a mirror’s root: https://mirror.example.org") from None
        except mirrors.NothingPublished:
            raise CommandError("Nothing is published yet: run manage.py publish first.") from None
        except mirrors.Restless:
            raise CommandError("The public pages changed faster than they could be copied; run it again.") from None
        except stores.Busy:
            raise CommandError("Another process is writing to this mirror just now.") from None
        except OSError as error:
            raise CommandError(
                f"{error.filename or folder}: {error.strerror}. Run it again once that is mended."
            ) from None
        if options["verbosity"]:
            self.stdout.write(said)

    def _mirror(self, folder: Path, address: str | None) -> str:
        done = mirrors.mirror(folder, address=address)
        written, deleted = len(done.written), len(done.deleted)
        return f"{done.files} files are in the mirror: {written} written, {deleted} deleted, the rest as it was."

    def _forget(self, folder: Path) -> str:
        if not mirrors.forget(folder):
            raise mirrors.NotAMirror(f"{folder} is not among the mirrors.")
        return f"{folder} is no mirror of this site any more. Its files are still there: delete them."
