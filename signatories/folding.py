"""When two spellings are the same organisation, or the same mailbox."""

import unicodedata

from mailing.encryption import keyed_index


def fold_name(name: str) -> str:
    """`name` without what spellings of one name differ in: case, Unicode form, punctuation, spacing.

    Letters and digits of every script are kept, so that no name folds to another's by losing its letters;
    a name of signs alone keeps its signs.
    """
    spelt = unicodedata.normalize("NFKC", name).casefold()
    kept = "".join(character if character.isalnum() or _is_mark(character) else " " for character in spelt)
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


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
