"""When two spellings are the same organisation, or the same mailbox."""

import re
import unicodedata

from mailing.encryption import keyed_index

_SIGNS = re.compile(r"[^\w ]+|_+")  # also the marks of letters, which are kept


def fold_name(name: str) -> str:
    """`name` without what spellings of one name differ in: case, Unicode form, punctuation, spacing.

    Letters and digits of every script are kept, so that no name folds to another's by losing its letters;
    a name of signs alone keeps its signs.
    """
    spelt = unicodedata.normalize("NFKC", name).casefold()
    kept = _SIGNS.sub(_marks, spelt)
    return unicodedata.normalize("NFKC", " ".join(kept.split()) or " ".join(spelt.split()))


def fold_email(address: str) -> str:
    """The mailbox behind `address`: case, dots and a "+tag" in the local part make no other person.

    Used to count and to recognise, never to send: a server may tell the variants apart (RFC 5321, 2.4).
    """
    local, _, domain = address.strip().rpartition("@")
    local = local.partition("+")[0].replace(".", "") or local
    return f"{local}@{domain}".casefold()


def mailbox(address: str) -> str:
    """The keyed index under which the mailbox behind `address` is found; empty for none."""
    return keyed_index("mailbox", fold_email(address)) if address else ""


def _marks(signs: re.Match[str]) -> str:
    """What is kept of characters that are no letters or digits."""
    if signs[0].isascii():  # far the most
        return " "
    return "".join(sign if unicodedata.category(sign).startswith("M") else " " for sign in signs[0])
