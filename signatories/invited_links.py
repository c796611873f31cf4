"""The links that open a letter to those who are asked to sign it: an organisation's own, and a coalition's."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.core import signing

from letters.models import Letter, PrivateLink
from publishing.pages import address_in
from signatories.models import Invitation
from signatories.states import InvitationStatus

SALT = "signatories.invited"
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
