"""Every mail to a signer, one function each, in the signer's language. Each returns whether it was queued.

None names the organisation: its name may be withheld, and a stranger who typed it writes no line of ours.
"""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from mailing.services import queue
from signatories import links
from signatories.models import Question, Signature

MAILS_A_DAY = 3  # to one mailbox, by strangers' doing


def confirm(signature: Signature) -> bool:
    """The link that confirms."""
    return _queue_limited(signature, "confirm", link=links.confirm_url(signature), days=links.CONFIRM_WITHIN.days)


def already(signature: Signature) -> bool:
    """To somebody who signs again what is signed already: where it stands."""
    return _queue_limited(signature, "already", link=links.own_url(signature))


def received(signature: Signature) -> bool:
    return _queue(signature, "received", link=links.own_url(signature))


def approved(signature: Signature) -> bool:
    return _queue(signature, "approved", link=links.own_url(signature), letter_url=_letter_url(signature))


def rejected(signature: Signature) -> bool:
    return _queue(signature, "rejected", link=links.own_url(signature))


def question(signature: Signature, asked: Question) -> bool:
    """What staff want to know, in their own words, and the page on which it is answered."""
    key = f"question:{asked.pk}"
    return _put(signature, "question", key, {"link": links.answer_url(signature), "question": asked})


def withdrawn(signature: Signature) -> bool:
    return _queue(signature, "withdrawn")


def _queue(signature: Signature, name: str, **context: Any) -> bool:
    return _put(signature, name, f"{name}:{signature.pk}:{timezone.now().isoformat()}", context)


def _queue_limited(signature: Signature, name: str, **context: Any) -> bool:
    """At most `MAILS_A_DAY` a mailbox and UTC day: each mail takes one of as many places, by a unique key."""
    day = f"signing:{signature.mailbox[:32]}:{timezone.now().date()}"
    return any(_put(signature, name, f"{day}:{place}", context) for place in range(MAILS_A_DAY))


def _put(signature: Signature, name: str, key: str, context: dict[str, Any]) -> bool:
    return queue(
        key=key,
        to=signature.email,
        language=signature.language,
        template=f"emails/signatories/{name}.txt",
        context={"signature": signature, "letter": signature.letter, **context},
        is_demonstration=signature.letter.is_demonstration,
    )


def _letter_url(signature: Signature) -> str:
    with translation.override(signature.language):
        return f"{settings.PUBLIC_URL}{reverse('letter', kwargs={'slug': signature.letter.slug})}"
