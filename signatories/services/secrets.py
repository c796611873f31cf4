"""The secret behind which the page of a withheld signature stands: shown once, kept as its hash alone."""

import hashlib
import secrets

from django.utils.crypto import salted_hmac

# Crockford's base 32: no letter that is taken for a digit, nor "u".
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
READ_AS = str.maketrans("oil", "011")
GROUPS, IN_GROUP = 6, 4  # 120 bits
SEED_LENGTH = 32


def new_secret() -> str:
    """A secret to be written down by hand: six groups of four letters and digits, 120 bits."""
    return _written(secrets.token_bytes(GROUPS * IN_GROUP))


def secret_of(seed: str) -> str:
    """The secret that goes with a form: the same each time the form is sent, and known to us alone until then."""
    if len(seed) < SEED_LENGTH:
        return new_secret()
    return _written(salted_hmac("signatories.secret", seed, algorithm="sha256").digest())


def secret_index(secret: str) -> str:
    """Under which the signature of `secret` is found; empty for what no secret can be.

    However it was written down: capital letters, spaces, any dashes, "O" for zero, "I" or "l" for one. A plain hash
    does, for nobody tries out 120 bits.
    """
    bare = "".join(character for character in secret.casefold() if character.isalnum()).translate(READ_AS)
    if len(bare) != GROUPS * IN_GROUP or not set(bare) <= set(ALPHABET):
        return ""
    return hashlib.sha256(bare.encode()).hexdigest()


def _written(random: bytes) -> str:
    letters = "".join(ALPHABET[byte % len(ALPHABET)] for byte in random[: GROUPS * IN_GROUP])
    return "-".join(letters[start : start + IN_GROUP] for start in range(0, len(letters), IN_GROUP))
