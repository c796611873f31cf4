"""The list of a letter's signatories: its order, its lead organisations, and who was in it when it was delivered."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Manager

from accounts.models import User
from ledger.services import witness
from letters.models import Letter
from letters.services import touch
from signatories.models import Signature
from signatories.services.signing import SHOWN_IN


def choose_order(letter: Letter, *, order: str, ignores_articles: bool, by: User) -> None:
    """List the signatories of `letter` by one of `Letter.Order`, on its pages at once and in the next edition."""
    order = Letter.Order(order).value
    with transaction.atomic():
        Letter.objects.filter(pk=letter.pk).update(signatory_order=order, ignores_articles=ignores_articles)
        witness(letter, "order chosen", by=by)
        touch(letter, *SHOWN_IN)
    letter.signatory_order, letter.ignores_articles = order, ignores_articles


def place(letter: Letter, *, places: dict[int, int | None], leads: Iterable[int], by: User) -> None:
    """Give signatures of `letter`, by their keys, a place in its list (None: after all that have one), and the lead.

    All keys are those of `places`; of these, `leads` come before all others.
    """
    chosen = set(leads)
    with transaction.atomic():
        for signature in letter.signatures.filter(pk__in=places).select_for_update():
            wanted = {"position": places[signature.pk], "is_lead": signature.pk in chosen}
            if wanted != {"position": signature.position, "is_lead": signature.is_lead}:
                Signature.objects.filter(pk=signature.pk).update(**wanted)
                witness(signature, "placed", by=by)
        touch(letter, *SHOWN_IN)


def mark_delivered(signatures: "Manager[Any]", *, at: datetime) -> None:
    """An edition with these signatures has reached an addressee; the first time counts."""
    signatures.filter(delivered_at=None).update(delivered_at=at)
