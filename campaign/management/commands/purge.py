from typing import Any

from django.core.management.base import BaseCommand

from campaign.purging import purge


class Command(BaseCommand):
    """What the scheduler does every hour; safe to repeat."""

    help = (
        "Deletes what is not to be kept: unconfirmed signatures, contacts of campaigns that are over, "
        "uploaded tables that wait for nobody, ended sessions."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        purged = purge()
        self.stdout.write(
            f"Deleted: {purged.unconfirmed} unconfirmed signatures; the contacts of {purged.contacts} signatures; "
            f"{purged.tables} uploaded tables."
        )
