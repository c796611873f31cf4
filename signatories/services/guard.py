"""A proof of work before the form, while it is under attack or where a letter always asks for one.

The challenge is signed and holds for one letter and a short time; a solution lets one signature pass. Nothing is known
of whoever solves it, and nothing kept but that it was used.
"""

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import altcha
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.crypto import salted_hmac

from ledger.services import insert_if_absent
from letters.models import Letter
from signatories.models import Signature, SpentProof
from signatories.states import SignatureStatus

LASTS = timedelta(minutes=30)
LONGEST = 4000  # characters of a proof; ours have some 700
ALGORITHM = "PBKDF2/SHA-256"
TABLE = Signature._meta.db_table
RECENT = f"SELECT 1 FROM {TABLE} WHERE letter_id = %s AND status = %s AND signed_at > %s LIMIT 1 OFFSET %s"  # noqa: S608


class Unproven(Exception):
    """No proof, an expired or altered one, one for another letter, or one that was used before."""


def is_guarded(letter: Letter) -> bool:
    """Whether a signature under `letter` takes a proof now."""
    return letter.is_guarded or _is_under_attack(letter)


def challenge(letter: Letter) -> dict[str, Any]:
    """A puzzle to be solved by the signer's browser, as `altcha` takes it."""
    made = altcha.create_challenge(
        ALGORITHM,
        settings.GUARD_COST,
        expires_at=timezone.now() + LASTS,
        data={"letter": letter.slug},
        hmac_secret=_key(),
    )
    return made.to_dict()


def check(letter: Letter, proof: str) -> str:
    """What is to be spent of a valid `proof`. Raises `Unproven`."""
    if len(proof) > LONGEST or not altcha.verify_solution(proof, _key()).verified:
        raise Unproven
    puzzle = json.loads(base64.b64decode(proof))["challenge"]
    if puzzle["parameters"].get("data") != {"letter": letter.slug}:
        raise Unproven
    return hashlib.sha256(puzzle["parameters"]["nonce"].encode()).hexdigest()


def spend(digest: str) -> None:
    """Use up a proof that was checked, in the transaction of what it lets pass. Raises `Unproven`."""
    if not insert_if_absent(SpentProof(digest=digest)):
        raise Unproven


def forget_spent() -> None:
    """What has expired lets nobody pass, spent or not."""
    SpentProof.objects.filter(spent_at__lt=timezone.now() - LASTS).delete()


def _is_under_attack(letter: Letter) -> bool:
    since, threshold = timezone.now() - timedelta(seconds=settings.GUARD_WITHIN), max(settings.GUARD_AFTER, 1)
    recent = (letter.pk, SignatureStatus.UNCONFIRMED.value, connection.ops.adapt_datetimefield_value(since))
    with connection.cursor() as cursor:  # before every form: Django takes longer to put it together than to ask it
        cursor.execute(RECENT, (*recent, threshold - 1))
        return cursor.fetchone() is not None


def _key() -> str:
    return salted_hmac("signatories.guard", "challenge", algorithm="sha256").hexdigest()
