"""What people find out, carry, or receive: the part of a delivery's life that no machine sees."""

import hashlib
import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from dispatch.models import Delivery, Dispatch, Reply
from dispatch.services import dispatches
from dispatch.services.deliveries import move_on_record
from dispatch.states import DeliveryStatus
from ledger.services import Overtaken, witness
from letters.services import touch

MOMENT = timedelta(minutes=1)


class Untold(Exception):
    """The summary is missing in a language of the site, or nobody has said what the reply is."""


def note_taken(delivery: Delivery, *, at: datetime, relay_id: str, server: str, by: User) -> None:
    """The relay's log says that the recipient's own mail server took the mail. Raises `Overtaken`."""
    accepted = (DeliveryStatus.ACCEPTED, DeliveryStatus.REGISTERED)
    facts = {"taken_at": at, "taken_how": Delivery.Taken.LOG, "taken_by": server}
    with transaction.atomic():
        known = Delivery.objects.filter(pk=delivery.pk, status__in=accepted, taken_at=None, channel="email")
        if not known.update(**facts, **({"relay_id": relay_id} if relay_id else {})):
            raise Overtaken(f"Delivery {delivery.pk} is not one of which nobody knows that yet")
        witness(delivery, "taken", by=by)
        touch(delivery.edition.letter, "delivery")


def carry(delivery: Delivery, to: str, *, on: date, tracking: str, by: User) -> None:
    """A person sent it off, handed it over, or it was not taken. Raises `IllegalMove` or `Overtaken`."""
    facts: dict[str, Any] = {"tracking": tracking} if tracking else {}
    if delivery.status == DeliveryStatus.TO_PRINT:
        facts["settled_at"] = min(datetime.combine(on, time(12), UTC), timezone.now())
    if to != DeliveryStatus.POSTED:
        facts |= {"ended_on": on, "is_returned": to == DeliveryStatus.RETURNED}
    move_on_record(delivery, to, by=by, **facts)
    dispatches.finish_if_done(Dispatch.objects.get(pk=delivery.dispatch_id))


def register(delivery: Delivery, *, on: date, number: str, by: User) -> None:
    """The office gave it a number and a day; the legal term counts from it. Raises `IllegalMove` or `Overtaken`."""
    move_on_record(delivery, DeliveryStatus.REGISTERED, by=by, registered_on=on, registered_as=number)


def correct_registration(delivery: Delivery, *, on: date, number: str, by: User) -> None:
    """Another day or number than was written down; of another day the term is another. Raises `Overtaken`."""
    anew = {} if on == delivery.registered_on else {"reminded_at": None}
    as_it_was = {"registered_on": delivery.registered_on, "registered_as": delivery.registered_as}
    with transaction.atomic():
        registered = Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.REGISTERED, **as_it_was)
        if not registered.update(registered_on=on, registered_as=number, **anew):
            raise Overtaken(f"Delivery {delivery.pk} is not registered as it was")
        witness(delivery, "corrected", by=by)
        touch(delivery.edition.letter, "delivery")


def call_refused(delivery: Delivery, *, on: date, by: User) -> None:
    """The last rung: say publicly that the office would not receive it. Raises `IllegalMove` or `Overtaken`."""
    move_on_record(delivery, DeliveryStatus.REFUSED, by=by, refused_on=on)


# Replies ------------------------------------------------------------------------------------------


def file_reply(delivery: Delivery, *, by: User, **stated: Any) -> Reply:
    """What came otherwise than by mail, or to another mailbox. Raises `Overtaken` where nothing was sent yet.

    The same from the same person within a moment is a button that was pressed twice.
    """
    if delivery.left_on is None:
        raise Overtaken(f"Delivery {delivery.pk} is with us")
    with transaction.atomic():
        Delivery.objects.select_for_update().get(pk=delivery.pk)
        just_now = delivery.replies.filter(filed_by=by, filed_at__gte=timezone.now() - MOMENT)
        for known in just_now:
            if {name: getattr(known, name) for name in stated} == stated:
                return known
        reply: Reply = delivery.replies.create(filed_by=by, **stated)
        touch(delivery.edition.letter, "delivery")
    return reply


def as_described(reply: Reply) -> dict[str, Any]:
    """What staff say of a reply, by column, as `reply` was read."""
    summaries = [f"summary_{language}" for language, _ in settings.LANGUAGES]
    return {column: getattr(reply, column) for column in ("kind", "received_on", "number", *summaries)}


def seen_of(reply: Reply) -> str:
    """Tells what somebody saw of `reply` from what others make of it."""
    told = as_described(reply) | {"published_at": reply.published_at}
    return hashlib.sha256(json.dumps(told, cls=DjangoJSONEncoder).encode()).hexdigest()


def describe(reply: Reply, *, by: User, **stated: Any) -> None:
    """Say what a reply is, and what the public may read of it once it is published.

    `stated` are columns of `as_described`. Raises `Untold` where it is public and would say less, or `Overtaken`.
    """
    if reply.published_at and not _is_told({**as_described(reply), **stated}):
        raise Untold
    _swap(reply, "described", by=by, **stated)


def publish(reply: Reply, *, by: User) -> None:
    """Show date and summary on the public record. Raises `Untold` or, if it is public already, `Overtaken`."""
    if reply.published_at:
        raise Overtaken
    if not _is_told(as_described(reply)):
        raise Untold
    _swap(reply, "published", by=by, published_at=timezone.now(), published_by=by)


def unpublish(reply: Reply, *, by: User) -> None:
    if reply.published_at is None:
        raise Overtaken
    _swap(reply, "taken back", by=by, published_at=None, published_by=None)


def _is_told(described: dict[str, Any]) -> bool:
    summaries = [text for column, text in described.items() if column.startswith("summary_")]
    return described["kind"] != Reply.Kind.UNREAD and all(summaries)


def _swap(reply: Reply, what: str, *, by: User, **columns: Any) -> None:
    """What `reply` was when it was read is what is changed, or published."""
    with transaction.atomic():
        now = Reply.objects.select_for_update().get(pk=reply.pk)
        if seen_of(now) != seen_of(reply):
            raise Overtaken(f"Reply {reply.pk} is another meanwhile")
        Reply.objects.filter(pk=reply.pk).update(**columns)
        witness(reply, what, by=by)
        touch(reply.delivery.edition.letter, "delivery")
