"""Which mail server the site hands its mail to, and what may never reach it."""

from django.conf import settings

LOOPBACK = ("127.0.0.1", "::1")


class NotForDemonstrations(Exception):
    """A demonstration's mail leaves only to a catcher on this machine."""


def check(*, is_demonstration: bool) -> None:
    """Raise `NotForDemonstrations` where a demonstration's mail would leave this machine."""
    if is_demonstration and settings.EMAIL_HOST not in LOOPBACK:
        raise NotForDemonstrations(f"EMAIL_URL must name one of {', '.join(LOOPBACK)} for a demonstration.")
