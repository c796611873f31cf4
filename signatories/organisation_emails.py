"""Mails to organisations that did not come to us: asked to sign, or told that somebody signed in their name.

Each returns whether it was queued. None names the organisation.
"""

from typing import Any

from mailing.services import queue
from signatories import invited_links as links
from signatories.models import Invitation


def invitation(invited: Invitation) -> bool:
    return _queue(invited, "invitation")


def chaser(invited: Invitation) -> bool:
    """The one reminder of an invitation that nobody answered."""
    return _queue(invited, "chaser")


def _queue(invited: Invitation, name: str) -> bool:
    letter = invited.letter
    context: dict[str, Any] = {"letter": letter, "link": links.invited_url(invited)}
    return queue(
        key=f"{name}:{invited.pk}",
        to=invited.email,
        language=invited.language,
        template=f"emails/signatories/{name}.txt",
        context=context,
        is_demonstration=letter.is_demonstration,
    )
