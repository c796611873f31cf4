"""What came back: each mail is taken in once, and moves the delivery that it belongs to, if it may."""

import logging
from collections.abc import Iterator
from itertools import islice

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from dispatch import mailboxes
from dispatch.incoming import Incoming, understand
from dispatch.models import Channel, Delivery, Dispatch, Evidence, Notice, Reply
from dispatch.services import dispatches, evidence
from dispatch.services.deliveries import move_on_record, passed_on_at
from dispatch.states import DeliveryStatus
from ledger.services import Overtaken
from letters.services import touch
from mailing import services as mailing
from mailing.models import Mail

Kind = Notice.Kind
IN_HAND = (DeliveryStatus.CLAIMED, DeliveryStatus.SENDING)
SIGNED = (Kind.FAILED, Kind.DELAYED, Kind.TAKEN)  # these change what is said of a delivery: a token must vouch for them
AT_ONCE = 200
log = logging.getLogger(__name__)


class NotYet(Exception):
    """A worker has the delivery in hand: read the mail again later."""


def read() -> None:
    """Take in what is unread in the mailbox of `BOUNCE_MAILBOX_URL`, at most `AT_ONCE`.

    What can't be taken in holds up nothing: it is not counted, and tried again with the next reading.
    """
    if not settings.BOUNCE_MAILBOX_URL:
        return
    troubles: list[Exception] = []
    try:
        with mailboxes.opened(settings.BOUNCE_MAILBOX_URL) as mailbox:
            for name in islice(_taken_in(mailbox, troubles), AT_ONCE):
                mailbox.mark(name)
    except mailboxes.Unreachable as trouble:
        log.error("The mailbox of BOUNCE_MAILBOX_URL can't be read: %s. It is tried again every minute.", trouble)
    if troubles:
        raise ExceptionGroup("Mails that could not be taken in", troubles)


def _taken_in(mailbox: mailboxes.Mailbox, troubles: list[Exception]) -> Iterator[str]:
    """The names of those that were; why others were not goes to `troubles`."""
    for name, raw in mailbox.unread():
        try:
            take_in(raw)
        except NotYet:
            continue
        except Exception as trouble:
            troubles.append(trouble)
            continue
        yield name


def take_in(raw: bytes) -> None:
    """One mail, whoever wrote it; nothing happens for one that was taken in before. Raises `NotYet`."""
    mail = understand(raw)
    hear(mail)
    # Also where the disk was full, and it is read again.
    for reply in Reply.objects.filter(source=mail.key, files=None).select_related("delivery"):
        _keep_whole(reply, raw)


def hear(mail: Incoming) -> None:
    """What came back, once. Raises `NotYet`."""
    if ours := _of_outbox(mail):
        _tell_outbox(mail, ours)
        return
    if Notice.objects.filter(key=mail.key).exists():
        return
    delivery, attempt = _belongs_to(mail)
    if delivery is None and mail.is_vouched:  # a mail that somebody else sends through the same provider
        return
    if delivery and delivery.status in IN_HAND:
        raise NotYet
    kind = _kind(mail, delivery, attempt)
    try:
        with transaction.atomic():
            Notice.objects.create(
                key=mail.key, kind=kind, delivery=delivery, attempt=attempt,
                status=mail.status, said=mail.said, server=mail.server,
            )  # fmt: skip
            if delivery:
                _follow(mail, kind, delivery, attempt)
    except (IntegrityError, Overtaken):
        if not Notice.objects.filter(key=mail.key).exists():  # else another reader was first
            raise NotYet from None


def _of_outbox(mail: Incoming) -> Mail | None:
    """The mail to a signer or to staff that it is about."""
    if mail.token:
        return None
    named = Q(pk=mail.mail) if mail.mail else Q(message_id__in=mail.answers) & ~Q(message_id="")
    return Mail.objects.filter(named).first() if mail.mail or mail.is_vouched else None


def _tell_outbox(mail: Incoming, ours: Mail) -> None:
    """Automatic answers and delays tell nothing."""
    try:
        if mail.kind == Kind.FAILED:
            mailing.came_back(ours, mail.why)
        elif mail.kind == Kind.TAKEN:
            mailing.got_through(ours)
    except Overtaken:
        raise NotYet from None


def _belongs_to(mail: Incoming) -> tuple[Delivery | None, int | None]:
    """A Message-ID alone is known to others, and vouches for nothing unless a provider does."""
    known = Delivery.objects.select_related("edition__letter", "recipient")
    if mail.token:
        pk, attempt = mail.token
        return known.filter(pk=pk).first(), attempt
    named = {delivery.message_id: delivery for delivery in known.filter(message_id__in=mail.answers).order_by("pk")}
    found = next((named[message_id] for message_id in mail.answers if message_id in named), None)
    return found, found.attempts if found and mail.is_vouched else None


def _kind(mail: Incoming, delivery: Delivery | None, attempt: int | None) -> Notice.Kind:
    if delivery is None:
        return Kind.UNMATCHED
    return Kind.UNCLEAR if mail.kind in SIGNED and attempt is None else mail.kind


def _follow(mail: Incoming, kind: Notice.Kind, delivery: Delivery, attempt: int | None) -> None:
    if kind == Kind.REPLY:
        _file(mail, delivery)
    elif attempt == delivery.attempts:  # a notice of an earlier one tells nothing of how it stands
        if kind == Kind.TAKEN:
            _taken(mail, delivery)
        elif kind == Kind.FAILED:
            _bounced(mail, delivery)


def _taken(mail: Incoming, delivery: Delivery) -> None:
    now = timezone.now()
    _was_accepted(delivery)
    how = Delivery.Taken.PROVIDER if mail.is_vouched else Delivery.Taken.NOTICE
    at = max(mail.at, delivery.settled_at) if mail.at and delivery.settled_at else now
    facts = {"taken_at": at, "taken_by": mail.server, "taken_how": how}
    if Delivery.objects.filter(pk=delivery.pk, taken_at=None).update(**facts):
        touch(delivery.edition.letter, "delivery")


def _bounced(mail: Incoming, delivery: Delivery) -> None:
    _was_accepted(delivery)
    if delivery.status == DeliveryStatus.ACCEPTED:
        today = timezone.now().date()
        move_on_record(
            delivery, DeliveryStatus.BOUNCED, by=None, ended_on=today, is_returned=True, refusal=mail.why
        )  # fmt: skip


def _was_accepted(delivery: Delivery) -> None:
    """Whoever reports on a mail had it from the relay: one that nobody knew of was accepted."""
    if delivery.status == DeliveryStatus.UNKNOWN:
        move_on_record(delivery, DeliveryStatus.ACCEPTED, by=None, settled_at=passed_on_at(delivery), refusal="")
        dispatches.finish_if_done(Dispatch.objects.get(pk=delivery.dispatch_id))


def _file(mail: Incoming, delivery: Delivery) -> None:
    delivery.replies.create(
        channel=Channel.EMAIL,
        received_on=max(filter(None, (mail.at or timezone.now(), delivery.settled_at))).date(),
        sender=mail.sender,
        subject=mail.subject,
        text=mail.text,
        source=mail.key,
    )
    touch(delivery.edition.letter, "delivery")


def _keep_whole(reply: Reply, raw: bytes) -> None:
    """As it came, enclosures and all."""
    evidence.keep(
        reply.delivery, raw, kind=Evidence.Kind.REPLY, content_type="message/rfc822", by=None, reply=reply
    )  # fmt: skip
