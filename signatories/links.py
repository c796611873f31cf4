"""The links that mails carry: signed, of one signature on one letter, and worthless for anything else."""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import translation

from letters.models import Letter
from signatories.models import Signature

CONFIRM_WITHIN = timedelta(days=7)


class Invalid(Exception):
    """Altered, or made for something else."""


class Expired(Exception):
    """Genuine, but too old to confirm with."""


def confirm_url(signature: Signature) -> str:
    return _url(signature, "confirm")


def own_url(signature: Signature) -> str:
    """The signer's own page: where the signature stands, and the button to withdraw. It does not expire."""
    return _url(signature, "own")


def answer_url(signature: Signature) -> str:
    """The page on which the signer answers what staff asked. It does not expire."""
    return _url(signature, "answer")


def read(letter: Letter, purpose: str, token: str) -> Signature:
    """The signature of `letter` that `token` was made for. Raises `Invalid` or `Expired`."""
    max_age = CONFIRM_WITHIN if purpose == "confirm" else None
    try:
        pk = signing.loads(token, salt=_salt(purpose), max_age=max_age)
        return letter.signatures.select_related("letter", "version").get(pk=pk)
    except signing.SignatureExpired:
        raise Expired from None
    except (signing.BadSignature, Signature.DoesNotExist):
        raise Invalid from None


def _url(signature: Signature, purpose: str) -> str:
    token = signing.dumps(signature.pk, salt=_salt(purpose))
    with translation.override(signature.language):
        path = reverse(f"signatories:{purpose}", kwargs={"slug": signature.letter.slug, "token": token})
    return f"{settings.PUBLIC_URL}{path}"


def _salt(purpose: str) -> str:
    return f"signatories.{purpose}"
