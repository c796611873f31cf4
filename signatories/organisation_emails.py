"""Mails to organisations that did not come to us: asked to sign, or told that somebody signed in their name.

Each returns whether it was queued. None names the organisation, nor who signed for it.
"""

from datetime import datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from mailing.models import Mail
from mailing.services import queue
from signatories import invited_links as links
from signatories.emails import MAILS_A_DAY
from signatories.folding import mailbox
from signatories.models import Invitation, Signature

DAYS_AHEAD = 7  # in which a notice finds its place, where strangers have used up today's mails


def invitation(invited: Invitation) -> bool:
    return _invite(invited, "invitation")


def chaser(invited: Invitation) -> bool:
    """The one reminder of an invitation that nobody answered."""
    return _invite(invited, "chaser")


def notice(signature: Signature, to: str, *, language: str) -> bool:
    """To the address that an organisation publishes: somebody signed in its name.

    It takes one of the mailbox's places for mails by strangers' doing, and goes out on the first day that has one.
    """
    today = timezone.now().date()
    for day in (today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD)):
        for place in range(MAILS_A_DAY):
            key = f"signing:{mailbox(to)[:32]}:{day}:{place}"
            if _queue(signature.letter, "notice", key, to, language, link=links.not_us_url(signature, language)):
                starts = datetime.combine(day, time.min, timezone.now().tzinfo)
                Mail.objects.filter(key=key, not_before__lt=starts).update(not_before=starts)
                return True
    return False


def objection(signature: Signature, reviewer: User) -> bool:
    """To staff: an organisation says that a signature in its name is not its own."""
    key = f"objection:{signature.pk}:{reviewer.pk}:{timezone.now().isoformat()}"
    link = f"{settings.PUBLIC_URL}{reverse('desk:signature', args=[signature.pk])}"
    return _queue(signature.letter, "objection", key, reviewer.email, reviewer.language, link=link)


def _invite(invited: Invitation, name: str) -> bool:
    link = links.invited_url(invited)
    return _queue(invited.letter, name, f"{name}:{invited.pk}", invited.email, invited.language, link=link)


def _queue(letter: Any, name: str, key: str, to: str, language: str, **context: Any) -> bool:
    return queue(
        key=key,
        to=to,
        language=language,
        template=f"emails/signatories/{name}.txt",
        context={"letter": letter, **context},
        is_demonstration=letter.is_demonstration,
    )
