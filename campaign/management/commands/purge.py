from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from signatories import services


class Command(BaseCommand):
    """What the scheduler does every hour; safe to repeat."""

    help = "Deletes what is not to be kept: unconfirmed signatures, contacts of campaigns that are over, ended sessions."

    def handle(self, *args: Any, **options: Any) -> None:
        unconfirmed, contacts = services.forget_unconfirmed(), services.forget_contacts()
        import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
        self.stdout.write(f"Deleted: {unconfirmed} unconfirmed signatures; the contacts of {contacts} signatures.")
