"""Addresses that a mail comes back to: each names what it carried, signed, so that nobody makes one up.

The sub-address of a mailbox (RFC 5233): `letters+d12.1.…@`, `signatures+m7.…@`. A letter says of what it is, numbers
which one.
"""

import re

from django.utils.crypto import constant_time_compare, salted_hmac

LONGEST = 64  # octets before the @ (RFC 5321, 4.5.3.1.1)


def signed(letter: str, purpose: str, *numbers: int) -> str:
    """A token that `read` knows again."""
    stated = ".".join(map(str, numbers))
    return f"{letter}{stated}.{_signature(purpose, stated)}"


def read(text: str, letter: str, purpose: str, *, numbers: int) -> tuple[int, ...] | None:
    """The numbers of the first token in `text` that we signed."""
    token = re.compile(rf"{letter}(\d{{1,18}}(?:\.\d{{1,5}}){{{numbers - 1}}})\.([0-9a-f]{{20}})", re.IGNORECASE)
    for found in token.finditer(text):
        stated = ".".join(str(int(number)) for number in found[1].split("."))
        if constant_time_compare(found[2].lower(), _signature(purpose, stated)):
            return tuple(map(int, stated.split(".")))
    return None


def beside(mailbox: str, token: str) -> str:
    """`mailbox` with `token` as its sub-address; as it is, where that would be too long for a mail server."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}+{token}@{domain}" if len(local) + 1 + len(token) <= LONGEST else mailbox


def of_mail(pk: int) -> str:
    """The token of a mail of the outbox."""
    return signed("m", "mailing.return", pk)


def mail_in(text: str) -> int | None:
    """Whose token stands in `text`."""
    found = read(text, "m", "mailing.return", numbers=1)
    return found[0] if found else None


def _signature(purpose: str, stated: str) -> str:
    return salted_hmac(purpose, stated, algorithm="sha256").hexdigest()[:20]
