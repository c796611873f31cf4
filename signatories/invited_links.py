"""Links to those who have not come to us: asked to sign (an organisation's own link, a coalition's), or to object."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.core import signing

from letters.models import Letter, PrivateLink
from publishing.pages import address_in
from signatories.models import Invitation, Signature
from signatories.states import InvitationStatus

SALT, NOT_US = "signatories.invited", "signatories.not_us"
SHAPE = re.compile(r"[A-Za-z0-9_:-]{1,200}")


class NoSuchLink(Exception):
    """Altered, or made for something else."""


class TakenBack(Exception):
    """Staff have taken this link back."""


@dataclass(frozen=True)
class Opened:
    """What a link opens: a letter, public or not, and to whom."""

    letter: Letter
    invitation: Invitation | None = None


def invited_url(invited: Invitation) -> str:
    """The organisation's own link, in its language."""
    return f"{settings.PUBLIC_URL}{address_in(invited.language, 'invited', token=token_of(invited))}"


def private_url(link: PrivateLink, language: str) -> str:
    """A coalition's link."""
    return f"{settings.PUBLIC_URL}{address_in(language, 'invited', token=link.token)}"


def not_us_url(signature: Signature, language: str) -> str:
    """For an organisation that did not sign: the page with the button that says so."""
    token = signing.dumps(signature.pk, salt=NOT_US)
    return f"{settings.PUBLIC_URL}{address_in(language, 'not_us', token=token)}"


def read_not_us(token: str) -> Signature:
    """The signature that somebody may object to with `token`. Raises `NoSuchLink`."""
    try:
        pk = signing.loads(token, salt=NOT_US)
        return Signature.objects.select_related("letter__campaign", "organisation").get(pk=pk)
    except (signing.BadSignature, Signature.DoesNotExist):
        raise NoSuchLink from None


def token_of(invited: Invitation) -> str:
    return signing.dumps(invited.pk, salt=SALT)


def read(token: str) -> Opened:
    """What `token` opens. Raises `NoSuchLink` or `TakenBack`."""
    if not SHAPE.fullmatch(token):
        raise NoSuchLink
    if ":" not in token:
        return _private(token)
    try:
        pk = signing.loads(token, salt=SALT)
        invited = Invitation.objects.select_related("letter__campaign", "organisation").get(pk=pk)
    except (signing.BadSignature, Invitation.DoesNotExist):
        raise NoSuchLink from None
    if invited.status in (InvitationStatus.REVOKED, InvitationStatus.PREPARED):
        raise TakenBack
    return Opened(invited.letter, invited)


def _private(token: str) -> Opened:
    link = PrivateLink.objects.select_related("letter__campaign").filter(token=token).first()
    if link is None:
        raise NoSuchLink
    if link.revoked_at:
        raise TakenBack
    return Opened(link.letter)
