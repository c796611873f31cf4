"""What the pages of other apps show of editions and deliveries."""

from django.utils.translation import gettext as _

from dispatch.models import Delivery
from dispatch.states import DeliveryStatus, DispatchStatus
from signatories.models import Signature
from signatories.queries import Copy

GONE_OUT = (DispatchStatus.SENDING, DispatchStatus.DONE, DispatchStatus.HALTED)
STOPPED = (
    DeliveryStatus.QUEUED,
    DeliveryStatus.CANCELLED,
)  # what waits is not handed over, once a name has left


def copies_naming(signature: Signature) -> list[Copy]:
    """What went out of editions that print the name of `signature`, in the active language."""
    deliveries = (
        Delivery.objects.filter(edition__signatures=signature, dispatch__status__in=GONE_OUT)
        .exclude(status__in=STOPPED)
        .select_related("recipient", "edition")
        .order_by("edition__number", "recipient__order")
    )
    return [_copy(delivery) for delivery in deliveries if _names(delivery, signature)]


def _names(delivery: Delivery, signature: Signature) -> bool:
    return any(entry["signature"] == signature.pk for entry in delivery.edition.content["signatories"])


def _copy(delivery: Delivery) -> Copy:
    states = {
        DeliveryStatus.ACCEPTED: _("taken by the mail server of the office"),
        DeliveryStatus.FAILED: _("refused by the mail server of the office"),
        DeliveryStatus.DEFERRED: _("put off by the mail server of the office, and not sent again"),
    }
    state = states.get(DeliveryStatus(delivery.status), _("it is not known whether it arrived"))
    at = delivery.settled_at or delivery.first_tried_at
    return Copy(edition=delivery.edition.number, office=delivery.recipient.title, state=state, at=at)
