"""The address that a refused letter comes back to: it names delivery and attempt."""

from django.conf import settings

from mailing import returns


def token(delivery: int, attempt: int) -> str:
    """For the envelope: both its sender and its identity (RFC 3461, 4.4)."""
    return returns.signed("d", "dispatch.return", delivery, attempt)


def address(delivery: int, attempt: int) -> str:
    """`RETURN_ADDRESS` with the token as its sub-address."""
    return returns.beside(settings.RETURN_ADDRESS, token(delivery, attempt))


def read(text: str) -> tuple[int, int] | None:
    """Delivery and attempt of the first token in `text` that we signed."""
    found = returns.read(text, "d", "dispatch.return", numbers=2)
    return (found[0], found[1]) if found else None
