"""What to look for in the relay's log when nobody knows whether it took a mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from dispatch import returns
from dispatch.models import Delivery
from dispatch.states import DeliveryStatus
from ledger.models import Event


@dataclass(frozen=True)
class LookUp:
    """Any of these finds the line. The window begins before the final dot was written, and ends after the last wait."""

    message_id: str
    sender: str
    recipient: str
    relay: str
    begins: datetime | None
    ends: datetime | None
    how_far: str


def look_up(delivery: Delivery) -> LookUp:
    at = dict(
        Event.objects.about(delivery)
        .filter(target__in=(DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN))
        .order_by("pk")
        .values_list("target", "at")
    )
    begins, ends = at.get(DeliveryStatus.SENDING), at.get(DeliveryStatus.UNKNOWN)
    return LookUp(
        message_id=delivery.message_id,
        sender=returns.address(delivery.pk, delivery.attempts),
        recipient=delivery.address,
        relay=f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}",
        begins=begins and begins - timedelta(minutes=1),
        ends=ends and ends + timedelta(minutes=1),
        how_far=_how_far(delivery),
    )


def _how_far(delivery: Delivery) -> str:
    """What is known of the moment from which nothing is known."""
    heard = delivery.conversations.filter(number=delivery.attempts).last()
    if heard is None:
        return _(
            "The program broke off when it had passed on all the text;"
            " whether it also gave the sign that ends a mail is not known."
        )
    text = _("The whole mail was passed on, with the sign that ends it. In place of an answer: %(answer)s")
    return text % {"answer": heard.answer}
