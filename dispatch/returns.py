"""The address that a refused mail comes back to: it names delivery and attempt, signed, so that nobody makes it up."""

import re

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

TOKEN = re.compile(r"d(\d{1,18})\.(\d{1,5})\.([0-9a-f]{20})", re.IGNORECASE)


def token(delivery: int, attempt: int) -> str:
    """For the envelope: both its sender and its identity (RFC 3461, 4.4)."""
    return f"d{delivery}.{attempt}.{_signature(delivery, attempt)}"


def address(delivery: int, attempt: int) -> str:
    """`RETURN_ADDRESS` with the token as its sub-address (RFC 5233)."""
    local, _, domain = settings.RETURN_ADDRESS.rpartition("@")
    return f"{local}+{token(delivery, attempt)}@{domain}"


def read(text: str) -> tuple[int, int] | None:
    """Delivery and attempt of the first token in `text` that we signed."""
    for found in TOKEN.finditer(text):
        delivery, attempt = int(found[1]), int(found[2])
        if constant_time_compare(found[3].lower(), _signature(delivery, attempt)):
            return delivery, attempt
    return None


def _signature(delivery: int, attempt: int) -> str:
    return salted_hmac("dispatch.return", f"{delivery}.{attempt}", algorithm="sha256").hexdigest()[:20]
