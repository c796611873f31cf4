"""Every mail to a signer, one function each, in the signer's language. Each returns whether it was queued.

None names the organisation: its name may be withheld, and a stranger who typed it writes no line of ours.
"""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from mailing.models import Mail
from mailing.services import queue
from signatories import links
from signatories.models import Signature

MAILS_A_DAY = 3  # to one mailbox, by strangers' doing


def confirm(signature: Signature, *, again: bool = False) -> bool:
    """The link that confirms; not once more for a form that was sent `again`."""
    link = {"link": links.confirm_url(signature), "days": links.CONFIRM_WITHIN.days}
    return _queue_limited(signature, "confirm", again, **link)


def already(signature: Signature, *, again: bool = False) -> bool:
    """To somebody who signs again what is signed already: where it stands."""
    return _queue_limited(signature, "already", again, link=links.own_url(signature))


def received(signature: Signature) -> bool:
    return _queue(signature, "received", link=links.own_url(signature))


def approved(signature: Signature) -> bool:
    return _queue(signature, "approved", link=links.own_url(signature), letter_url=_letter_url(signature))


def rejected(signature: Signature) -> bool:
    return _queue(signature, "rejected", link=links.own_url(signature))


def withdrawn(signature: Signature) -> bool:
    return _queue(signature, "withdrawn")


def _queue(signature: Signature, name: str, **context: Any) -> bool:
    return _put(signature, name, f"{name}:{signature.pk}:{timezone.now().isoformat()}", context)


def _queue_limited(signature: Signature, name: str, again: bool, **context: Any) -> bool:
    """At most `MAILS_A_DAY` a mailbox and UTC day: each mail takes one of as many places, by a unique key.

    Asking for a place that is taken queues nothing: so the database is asked the same, whether there is a mail or not.
    """
    day = f"signing:{signature.mailbox[:32]}:{timezone.now().date()}"
    places = [f"{day}:{place}" for place in range(MAILS_A_DAY)]
    taken = set(Mail.objects.filter(key__in=places).values_list("key", flat=True))
    free = [place for place in places if place not in taken]
    tried = sorted(taken)[:1] if taken and (again or not free) else free
    return any(_put(signature, name, place, context) for place in tried)


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
