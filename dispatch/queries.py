"""What the pages of other apps show of editions and deliveries."""

from django.utils.translation import gettext as _

from dispatch import smtp
from dispatch.models import Delivery
from dispatch.states import DeliveryStatus
from signatories.models import Signature
from signatories.queries import Copy

# What waits is not handed over, once a name has left.
STOPPED = (DeliveryStatus.QUEUED, DeliveryStatus.TO_PRINT)


def copies_naming(signature: Signature) -> list[Copy]:
    """What went out of editions that print the name of `signature`, in the active language."""
    deliveries = (
        Delivery.objects.on_record()
        .filter(edition__signatures=signature)
        .exclude(status__in=STOPPED)
        .select_related("recipient", "edition")
        .order_by("edition__number", "recipient__order")
    )
    return [_copy(delivery) for delivery in deliveries if _names(delivery, signature)]


def _names(delivery: Delivery, signature: Signature) -> bool:
    return any(entry["signature"] == signature.pk for entry in delivery.edition.content["signatories"])


def _copy(delivery: Delivery) -> Copy:
    at = delivery.settled_at or delivery.first_tried_at
    return Copy(edition=delivery.edition.number, office=delivery.recipient.title, state=_state(delivery), at=at)


def _state(delivery: Delivery) -> str:
    """A mail that our own server has taken may be anywhere."""
    if delivery.taken_at and delivery.status == DeliveryStatus.ACCEPTED:
        return _("taken by the mail server of the office")
    if delivery.status == DeliveryStatus.FAILED and not smtp.refuses(delivery.stage, delivery.code):
        return _("taken by no mail server")
    refused = _("refused, or sent back")
    return {
        DeliveryStatus.ACCEPTED: _("passed on by our mail server"),
        DeliveryStatus.REGISTERED: _("registered by the office"),
        DeliveryStatus.POSTED: _("sent off, on paper or through a form"),
        DeliveryStatus.DELIVERED: _("handed to the office"),
        DeliveryStatus.FAILED: refused,
        DeliveryStatus.BOUNCED: refused,
        DeliveryStatus.RETURNED: refused,
        DeliveryStatus.REFUSED: refused,
        DeliveryStatus.DEFERRED: _("put off by the mail server, and not sent again"),
    }.get(DeliveryStatus(delivery.status), _("it is not known whether it arrived"))
