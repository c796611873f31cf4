"""What is not to be kept is deleted: signatures, contacts, and the sessions of those who have gone."""

from dataclasses import dataclass
from importlib import import_module

from django.conf import settings

from signatories import services
from signatories.services import importing


@dataclass(frozen=True)
class Purged:
    """How many signatures were deleted unconfirmed, of how many the contact was deleted; how many tables that wait."""

    unconfirmed: int
    contacts: int
    tables: int


def purge() -> Purged:
    """Everything that is due; safe to repeat."""
    purged = Purged(
        unconfirmed=services.forget_unconfirmed(),
        contacts=services.forget_contacts(),
        tables=importing.drop_abandoned(),
    )
    services.forget_logos()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return purged
