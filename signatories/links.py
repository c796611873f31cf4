"""The links that mails carry: signed, of one purpose and one signature, and worthless for anything else.

None of them says in its address which letter or whose signature it is of.
"""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import translation

from signatories.models import Handover, Signature
from signatories.states import HandoverStatus

CONFIRM_WITHIN = timedelta(days=7)
TAKE_OVER_WITHIN = timedelta(days=14)


class Invalid(Exception):
    """Altered, made for something else, or followed by newer ones."""


class Expired(Exception):
    """Genuine, but too old."""


def confirm_url(signature: Signature) -> str:
    return url(signature, "confirm")


def own_url(signature: Signature) -> str:
    """The signer's own page: where the signature stands, and all that can be done about it. It does not expire."""
    return url(signature, "own")


def keep_url(signature: Signature) -> str:
    """What changed in the text, with the button to keep the signature: a page behind the own one."""
    return f"{own_url(signature)}keep/"


def answer_url(signature: Signature) -> str:
    """The page on which the signer answers what staff asked. It does not expire."""
    return url(signature, "answer")


def withdraw_url(signature: Signature) -> str:
    """The button that withdraws, and nothing else. It does not expire, and works where the own page is locked.

    Nor does a newer link end it, for whoever has kept it may have nothing else: only another representative does.
    """
    return url(signature, "withdraw")


def take_over_url(handover: Handover) -> str:
    """For whoever is to be the signature's representative from now on."""
    token = signing.dumps([handover.pk, handover.signature.link_generation], salt=_salt("take_over"))
    with translation.override(handover.language):
        return f"{settings.PUBLIC_URL}{reverse('signatures:take_over', kwargs={'token': token})}"


def url(signature: Signature, purpose: str) -> str:
    """`purpose` is the name of a page below `/<lang>/signatures/`."""
    with translation.override(signature.language):
        return f"{settings.PUBLIC_URL}{path(signature, purpose)}"


def path(signature: Signature, purpose: str) -> str:
    """The same for a page of ours, in the reader's language."""
    token = signing.dumps([signature.pk, signature.link_generation], salt=_salt(purpose))
    return reverse(f"signatures:{purpose}", kwargs={"token": token})


def read(purpose: str, token: str) -> Signature:
    """The signature that `token` was made for. Raises `Invalid` or `Expired`."""
    pk, generation = _loaded(purpose, token, CONFIRM_WITHIN if purpose == "confirm" else None)
    found = Signature.objects.select_related("letter__campaign", "version", "organisation")
    alive = {"link_generation": generation}
    if purpose == "withdraw":
        alive = {"link_generation__gte": generation, "held_since__lte": generation}
    try:
        return found.get(pk=pk, **alive)
    except Signature.DoesNotExist:
        raise Invalid from None


def read_handover(token: str) -> Handover:
    """The handover that is still offered. Raises `Invalid` or `Expired`."""
    pk, generation = _loaded("take_over", token, TAKE_OVER_WITHIN)
    found = Handover.objects.select_related("signature__letter__campaign", "signature__version")
    try:
        return found.get(pk=pk, status=HandoverStatus.OFFERED, signature__link_generation=generation)
    except Handover.DoesNotExist:
        raise Invalid from None


def _loaded(purpose: str, token: str, max_age: timedelta | None) -> tuple[int, int]:
    try:
        pk, generation = signing.loads(token, salt=_salt(purpose), max_age=max_age)
    except signing.SignatureExpired:
        raise Expired from None
    except signing.BadSignature:
        raise Invalid from None
    return pk, generation


def _salt(purpose: str) -> str:
    return f"signatories.{purpose}"
