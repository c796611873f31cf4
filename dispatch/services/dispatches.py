"""A dispatch: prepared by one member of staff, authorised by another, and then in the workers' hands."""

import hashlib
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from dispatch.models import Delivery, Dispatch, Edition, Recipient
from dispatch.states import DeliveryStatus, DispatchStatus, EditionStatus
from ledger.bell import ring
from ledger.services import Overtaken, move, record
from letters.services import touch


class NotSealed(Exception):
    """Only the latest sealed edition is sent."""


class AlreadySent(Exception):
    """Some address has, or is to get, this edition already."""


class SamePerson(Exception):
    """It takes a second person to authorise."""


class SendingIsOff(Exception):
    """`SENDING_ENABLED` is not set."""


def prepare(edition: Edition, *, by: User) -> Dispatch:
    """Freeze to whom an edition goes, in which language. Raises `NotSealed` or `AlreadySent`."""
    if edition.status != EditionStatus.SEALED or edition.names_someone_who_left:
        raise NotSealed
    try:
        with transaction.atomic():
            dispatch = edition.dispatches.create(prepared_by=by)
            record(dispatch, by=by)
            for recipient in edition.letter.recipients.all():
                record(_delivery(dispatch, recipient), by=by)
    except IntegrityError:
        raise AlreadySent from None
    return dispatch


def authorise(dispatch: Dispatch, *, by: User) -> None:
    """The second person's word; the mails go out from here on. Raises `SamePerson`, `SendingIsOff` or `Overtaken`."""
    from dispatch import tasks

    if dispatch.prepared_by_id == by.pk:
        raise SamePerson
    if not settings.SENDING_ENABLED:
        raise SendingIsOff
    if dispatch.edition.status != EditionStatus.SEALED or dispatch.edition.names_someone_who_left:
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
        for delivery in dispatch.deliveries.filter(status__in=(DeliveryStatus.QUEUED, DeliveryStatus.DEFERRED)):
            move(delivery, DeliveryStatus.CANCELLED, by=by, settled_at=timezone.now())
        touch(dispatch.edition.letter, "delivery")


def finish_if_done(dispatch: Dispatch) -> None:
    """Close a dispatch whose deliveries have all come to an end."""
    if dispatch.status != DispatchStatus.SENDING or dispatch.deliveries.open().exists():
        return
    with suppress(Overtaken):
        move(dispatch, DispatchStatus.DONE, by=None)


def _delivery(dispatch: Dispatch, recipient: Recipient) -> Delivery:
    edition = dispatch.edition
    address = recipient.email.strip().lower()
    return dispatch.deliveries.create(
        edition=edition,
        recipient=recipient,
        address=address,
        language=recipient.language,
        message_id=_message_id(edition, address),
    )


def _message_id(edition: Edition, address: str) -> str:
    """The same for an edition and an address, however often it is tried (RFC 5322, 3.6.4)."""
    digest = hashlib.sha256(f"{edition.sha256} {address}".encode()).hexdigest()[:32]
    return f"<{digest}@{urlsplit(settings.PUBLIC_URL).hostname}>"


def _ring_for_deliveries(dispatch: Dispatch) -> None:
    from dispatch import tasks

    for pk in dispatch.deliveries.filter(status=DeliveryStatus.QUEUED).values_list("pk", flat=True):
        ring(tasks.deliver, pk)
