"""What is not to be kept is deleted: signatures, contacts, and the sessions of those who have gone."""

from dataclasses import dataclass
from importlib import import_module

from django.conf import settings

from signatories import services


@dataclass(frozen=True)
class Purged:
    """How many signatures were deleted unconfirmed, and of how many the contact was deleted."""

    unconfirmed: int
    contacts: int


def purge() -> Purged:
    """Everything that is due; safe to repeat."""
    purged = Purged(unconfirmed=services.forget_unconfirmed(), contacts=services.forget_contacts())
    services.forget_logos()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return purged
