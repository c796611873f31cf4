"""What to look for in the relay's log when nobody knows whether it took a mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

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
    )
