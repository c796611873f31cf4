"""A dispatch: prepared by one member of staff, authorised by another, and then in the workers' hands."""

import hashlib
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from dispatch.models import Channel, Delivery, Dispatch, Edition, FurtherAddress, Recipient
from dispatch.services import senders
from dispatch.states import TURNED_AWAY, DeliveryStatus, DispatchStatus, EditionStatus
from ledger.bell import ring
from ledger.services import Overtaken, move, record
from letters.services import touch

# Nothing of these has left the house, and nobody is about to hand it over.
HELD = (DeliveryStatus.QUEUED, DeliveryStatus.DEFERRED, DeliveryStatus.TO_PRINT)


class NotSealed(Exception):
    """Only the latest sealed edition is sent."""


class AlreadySent(Exception):
    """Some address has, or is to get, this edition already."""


class SamePerson(Exception):
    """It takes a second person to authorise."""


class SendingIsOff(Exception):
    """`SENDING_ENABLED` is not set."""


def prepare(edition: Edition, *, by: User) -> Dispatch:
    """Freeze to whom an edition goes, where, how and in which language. Raises `NotSealed` or `AlreadySent`."""
    if edition.status != EditionStatus.SEALED or edition.names_someone_who_left:
        raise NotSealed
    try:
        with transaction.atomic():
            dispatch = edition.dispatches.create(prepared_by=by)
            record(dispatch, by=by)
            for recipient in edition.letter.recipients.all():
                record(_delivery(dispatch, recipient, recipient.channel, recipient.address), by=by)
    except IntegrityError:
        raise AlreadySent from None
    senders.ask()
    return dispatch


def prepare_next(refused: Delivery, further: FurtherAddress, *, by: User) -> Dispatch:
    """The same edition to the next address of a recipient who did not get it: a dispatch of its own, for two people.

    Raises `NotSealed`, `AlreadySent`, or `Overtaken` where it is not turned away (any more) or the address not its own.
    """
    edition = refused.edition
    if edition.status not in (EditionStatus.SEALED, EditionStatus.SUPERSEDED) or edition.names_someone_who_left:
        raise NotSealed
    if refused.status not in TURNED_AWAY or further.recipient_id != refused.recipient_id:
        raise Overtaken(f"Delivery {refused.pk} is {refused.status}")
    try:
        with transaction.atomic():
            dispatch = edition.dispatches.create(prepared_by=by)
            record(dispatch, by=by)
            record(_delivery(dispatch, refused.recipient, further.channel, further.address, after=refused), by=by)
    except IntegrityError:
        raise AlreadySent from None
    senders.ask()
    return dispatch


def authorise(dispatch: Dispatch, *, by: User) -> None:
    """The second person's word; the mails go out from here on. Raises `SamePerson`, `SendingIsOff` or `Overtaken`."""
    from dispatch import tasks

    if dispatch.prepared_by_id == by.pk:
        raise SamePerson
    if not settings.SENDING_ENABLED:
        raise SendingIsOff
    if not _may_go(dispatch):
        raise NotSealed
    with transaction.atomic():
        move(dispatch, DispatchStatus.AUTHORISED, by=by, authorised_by=by, authorised_at=timezone.now())
        ring(tasks.start, dispatch.pk)


def start(dispatch: Dispatch) -> None:
    """Let the workers have the deliveries of an authorised dispatch, where sending is on."""
    if not settings.SENDING_ENABLED or dispatch.status != DispatchStatus.AUTHORISED:
        return  # a bell that rings late must not start again what somebody halted
    try:
        with transaction.atomic():
            move(dispatch, DispatchStatus.SENDING, by=None)
            for delivery in dispatch.deliveries.filter(status=DeliveryStatus.QUEUED).exclude(channel=Channel.EMAIL):
                move(delivery, DeliveryStatus.TO_PRINT, by=None)
            touch(dispatch.edition.letter, "delivery")
            _ring_for_deliveries(dispatch)
    except Overtaken:
        pass


def halt(dispatch: Dispatch, *, by: User) -> None:
    """Hand over nothing more until somebody resumes."""
    move(dispatch, DispatchStatus.HALTED, by=by)


def resume(dispatch: Dispatch, *, by: User) -> None:
    """Go on with what was halted."""
    if dispatch.status != DispatchStatus.HALTED:
        raise Overtaken(f"Dispatch {dispatch.pk} is {dispatch.status}, and not halted")
    with transaction.atomic():
        move(dispatch, DispatchStatus.SENDING, by=by)
        _ring_for_deliveries(dispatch)


def cancel(dispatch: Dispatch, *, by: User) -> None:
    """Give up what has not been handed over; the addresses are then free for another dispatch."""
    with transaction.atomic():
        move(dispatch, DispatchStatus.CANCELLED, by=by)
        for delivery in dispatch.deliveries.filter(status__in=HELD):
            move(delivery, DeliveryStatus.CANCELLED, by=by, settled_at=timezone.now())
        touch(dispatch.edition.letter, "delivery")


def finish_if_done(dispatch: Dispatch) -> None:
    """Close a dispatch whose deliveries have all come to an end."""
    if dispatch.status != DispatchStatus.SENDING or dispatch.deliveries.open().exists():
        return
    with suppress(Overtaken):
        move(dispatch, DispatchStatus.DONE, by=None)


def _may_go(dispatch: Dispatch) -> bool:
    """The latest edition; or an earlier one, to the next address of somebody who did not get it."""
    edition = dispatch.edition
    if edition.names_someone_who_left:
        return False
    is_next_rung = not dispatch.deliveries.filter(after=None).exists()
    return edition.status == EditionStatus.SEALED or (edition.status == EditionStatus.SUPERSEDED and is_next_rung)


def _delivery(
    dispatch: Dispatch, recipient: Recipient, channel: str, address: str, after: Delivery | None = None
) -> Delivery:
    edition = dispatch.edition
    return dispatch.deliveries.create(
        edition=edition,
        recipient=recipient,
        after=after,
        channel=channel,
        address=address.strip().lower() if channel == Channel.EMAIL else address.strip(),
        language=recipient.language,
        message_id=_message_id(edition, address),
    )


def _message_id(edition: Edition, address: str) -> str:
    """The same for an edition and an address, however often it is tried (RFC 5322, 3.6.4)."""
    digest = hashlib.sha256(f"{edition.sha256} {address}".encode()).hexdigest()[:32]
    return f"<{digest}@{urlsplit(settings.PUBLIC_URL).hostname}>"


def _ring_for_deliveries(dispatch: Dispatch) -> None:
    from dispatch import tasks

    waiting = dispatch.deliveries.filter(status=DeliveryStatus.QUEUED, channel=Channel.EMAIL)
    for pk in waiting.values_list("pk", flat=True):
        ring(tasks.deliver, pk)
