from typing import Any

from django.core.management.base import BaseCommand, CommandError

from publishing import services, stores


class Command(BaseCommand):
    help = "Writes every public page anew. Pages that did not change keep their files."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = services.publish()
        except stores.Busy:
            raise CommandError("Another writer is at work and did not finish within a minute; try again.") from None
        except services.Unwritten as pages:
            raise CommandError(f"All pages were written but these, which could not be rendered: {pages}") from None
        if options["verbosity"]:
            self.stdout.write(self._told(result))

    def _told(self, result: services.Written) -> str:
        return (
            f"{result.public} pages are public: {result.written} written, {result.deleted} removed, the rest as it was."
        )
