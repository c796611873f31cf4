"""A delivery: handed to the mail server by one worker at a time, and to one address never twice by the machine.

The state is committed before each step that can't be taken back. `claimed`: whatever happens, the mail has not been
taken. `sending`, committed when nothing but the final dot is left to write: only the server knows, unless its answer
has been written down. Nothing is sent inside a transaction.
"""

import contextlib
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Exists
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from dispatch import emails, returns, smtp
from dispatch.models import Attempt, Delivery, Dispatch, EditionFile, Switch
from dispatch.services import dispatches, evidence, hosts, switch
from dispatch.states import ARRIVING, HELD, DeliveryStatus, DispatchStatus, SwitchStatus
from dispatch.transcript import Transcript
from ledger.bell import ring
from ledger.models import Event, Stateful
from ledger.prepared import Given, Prepared
from ledger.services import Overtaken, insert, move
from letters.services import touch
from mailing import relay
from mailing.refusals import Refusal, queue_id_in, refusal_of
from signatories.models import Signature
from signatories.services import mark_delivered

RETRIES = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 240))
GIVE_UP = timedelta(days=5)
WITH_ALL = Prepared(
    lambda: Delivery.objects.filter(pk=Given("pk")).order_by().select_related("edition__letter", "wording")
)
FILES = Prepared(lambda: EditionFile.objects.filter(edition=Given("edition")).order_by())
OPEN = Prepared(lambda: Delivery.objects.open().filter(dispatch=Given("dispatch")).order_by().values_list("pk")[:1])
NOT_DELIVERED = Prepared(
    lambda: Signature.objects.filter(editions=Given("edition"), delivered_at=None).order_by().values_list("pk")[:1]
)
# For `only_if`: sending is on, and the dispatch goes on. A subquery of its own and not `dispatch__status`: an UPDATE
# across a join reads the row's own state from before it waited for the lock on PostgreSQL, and two workers would win.
IS_ON = Exists(Switch.objects.filter(status=SwitchStatus.ON))
WHILE_SENDING = {"dispatch__in": Dispatch.objects.filter(IS_ON, status=DispatchStatus.SENDING).order_by()}
log = logging.getLogger(__name__)


class NameTakenBack(Exception):
    """The edition shows a name that may not be shown any more."""


def with_all(pk: int) -> Delivery:
    """The delivery with its edition, letter and wording. Raises `Delivery.DoesNotExist`."""
    delivery = WITH_ALL.first(pk=pk)
    if delivery is None:
        raise Delivery.DoesNotExist(pk)
    return delivery


def deliver(delivery: Delivery) -> None:
    """Hand `delivery` to the mail server, if it is still waiting, and write down what came of it."""
    if delivery.status != DeliveryStatus.QUEUED or not hosts.may_send() or not _claim(delivery):
        return
    talk = Transcript()
    with _put_off_by_surprise(delivery, talk):
        _try(delivery, talk)
    _finish_dispatch(delivery)


def sweep() -> None:
    """Free what killed workers held, and ring for all that is due: the database is the queue, the bell may be lost."""
    from dispatch import tasks

    now = timezone.now()
    _free_abandoned(now)
    for delivery in Delivery.objects.put_off_until(now):
        _try_move(delivery, DeliveryStatus.QUEUED, only_if={"not_before__lte": now})
    _cancel_with_dispatch(now)
    for dispatch in Dispatch.objects.filter(status=DispatchStatus.SENDING).select_related("edition"):
        dispatches.finish_if_done(dispatch)
        dispatches.halt_if_somebody_left(dispatch)
    hosts.look()
    hosts.forget_hosts()
    if not switch.is_on():
        return
    for pk in Dispatch.objects.filter(status=DispatchStatus.AUTHORISED).values_list("pk", flat=True):
        ring(tasks.start, pk)
    for pk in Delivery.objects.due(now).values_list("pk", flat=True)[:500]:
        ring(tasks.deliver, pk)


def resolve(delivery: Delivery, to: str, *, by: User, relay_id: str = "") -> None:
    """A person has found out what became of an unknown one: accepted, failed, or to be sent again (queued).

    What was accepted was so when it was passed on, whenever somebody finds out.
    `relay_id` is the name under which the relay's log has it.
    Raises `IllegalMove` or, if it is not unknown any more, `Overtaken`.
    """
    from dispatch import tasks

    if delivery.status != DeliveryStatus.UNKNOWN:
        raise Overtaken(f"Delivery {delivery.pk} is {delivery.status}, and not for people to decide")
    now = timezone.now()
    with transaction.atomic():
        if to == DeliveryStatus.QUEUED:
            move_on_record(delivery, to, by=by, not_before=now, first_tried_at=None)
            ring(tasks.deliver, delivery.pk)
        elif to == DeliveryStatus.FAILED:
            move_on_record(delivery, to, by=by, settled_at=now, refusal=Refusal.OTHER, relay_id=relay_id)
        else:
            passed_on = passed_on_at(delivery)
            move_on_record(delivery, to, by=by, settled_at=passed_on, refusal="", relay_id=relay_id)
    _finish_dispatch(delivery)


def passed_on_at(delivery: Delivery) -> datetime:
    """When nothing was left but the final dot, the last time: of an unknown one nothing later is known."""
    last: datetime = Event.objects.about(delivery).filter(target=DeliveryStatus.SENDING).latest("pk").at
    return last


# One attempt --------------------------------------------------------------------------------------


def _claim(delivery: Delivery) -> bool:
    """Make the delivery ours for the length of a lease; False where it is not due or somebody else's."""
    if not delivery.is_mail:
        return False
    now = timezone.now()
    try:
        with transaction.atomic(durable=True):
            move(
                delivery, DeliveryStatus.CLAIMED, by=None,
                only_if={"attempts": delivery.attempts, "not_before__lte": now, **WHILE_SENDING},
                attempts=delivery.attempts + 1, lease_until=_lease(now), first_tried_at=delivery.first_tried_at or now,
            )  # fmt: skip
    except Overtaken:
        return False
    return True


@contextlib.contextmanager
def _put_off_by_surprise(delivery: Delivery, talk: Transcript) -> Iterator[None]:
    """What nobody thought of is raised, and the delivery tried again in the usual intervals: not at once and for ever.

    Where nothing can be written down, the sweeper finds it.
    """
    try:
        yield
    except (DatabaseError, InterfaceError):
        raise
    except Exception as trouble:
        if delivery.status == DeliveryStatus.CLAIMED:
            _put_off(delivery, talk, stage="message", code=None, answer=type(trouble).__name__)
        raise


def _try(delivery: Delivery, talk: Transcript) -> None:
    """One conversation, and what came of it."""
    end = partial(_end, delivery, talk=talk)
    try:
        relay.check(is_demonstration=delivery.edition.letter.is_demonstration)
        answer = _hand_over(delivery, talk)
    except (Overtaken, switch.Stopped):
        _put_back(delivery)
    except NameTakenBack:
        _put_back(delivery)
        dispatches.halt_if_somebody_left(Dispatch.objects.select_related("edition").get(pk=delivery.dispatch_id))
    except (emails.Unfit, relay.NotForDemonstrations) as reason:
        log.error("Delivery %s can't be sent: %s", delivery.pk, reason)
        _put_off(delivery, talk, stage="message", code=None, answer=str(reason))
    except smtp.NotTaken as refusal:
        finish = _fail if refusal.is_permanent else _put_off
        finish(delivery, talk, stage=refusal.stage, code=refusal.code, answer=refusal.text)
    except smtp.Unanswered as silence:
        log.warning("Delivery %s was not answered: somebody has to find out.", delivery.pk)
        end(DeliveryStatus.UNKNOWN, stage=smtp.Stage.DOT, code=None, answer=str(silence))
    else:
        end(
            DeliveryStatus.ACCEPTED,
            stage=smtp.Stage.DOT, code=answer.code, answer=answer.text, settled_at=timezone.now(),
            relay_id=queue_id_in(answer.text), refusal="",
        )  # fmt: skip


def _hand_over(delivery: Delivery, talk: Transcript) -> smtp.Answer:
    mail = emails.frozen(delivery, files=FILES.all(edition=delivery.edition_id))
    talk.connection["message_sha256"] = mail.sha256
    try:
        return smtp.hand_over(
            mail.pieces,
            sender=returns.address(delivery.pk, delivery.attempts),
            recipient=delivery.address,
            envelope_id=returns.token(delivery.pk, delivery.attempts),
            transcript=talk,
            relay=_relay(),
            before_mail=partial(_go_on, delivery),
            before_data=partial(_go_on, delivery),
            before_dot=partial(_commit_to_sending, delivery, mail),
            on_the_way=partial(_go_on, delivery),
        )
    except smtp.NotTaken as refusal:
        is_on_the_line = refusal.stage in (smtp.Stage.DATA, smtp.Stage.BODY)
        if is_on_the_line and delivery.status == DeliveryStatus.CLAIMED:  # else it is kept already
            _keep_as_evidence(delivery, mail)
        raise


def _go_on(delivery: Delivery) -> None:
    """Raise `Stopped` where sending is off, and `Overtaken` where the delivery is not ours any more."""
    switch.check()
    _renew(delivery)


def _keep_as_evidence(delivery: Delivery, mail: emails.Mail) -> None:
    """What can't be shown afterwards is not sent."""
    try:
        evidence.keep_mail(delivery, mail)
    except OSError as trouble:
        raise emails.Unfit(
            format_lazy(_("The mail can’t be kept as evidence: {error}"), error=str(trouble))
        ) from trouble


def _renew(delivery: Delivery) -> None:
    """Keep what is ours while the conversation goes on, however long the mail and slow the line."""
    now = timezone.now()
    assert delivery.lease_until
    if delivery.lease_until - now > timedelta(seconds=settings.DELIVERY_LEASE * 0.9):
        return
    ours = Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.CLAIMED, attempts=delivery.attempts)
    if not ours.update(lease_until=_lease(now)):
        raise Overtaken(f"Delivery {delivery.pk} was taken from us")
    delivery.lease_until = _lease(now)


def _commit_to_sending(delivery: Delivery, mail: emails.Mail) -> None:
    """The last moment at which the stop switch, a lost lease or a name taken back hold the mail."""
    if delivery.edition.names_someone_who_left:
        raise NameTakenBack
    with transaction.atomic(durable=True):
        _keep_as_evidence(delivery, mail)
        move(
            delivery, DeliveryStatus.SENDING, by=None,
            only_if={"attempts": delivery.attempts, **WHILE_SENDING},
            lease_until=_lease(timezone.now()) + timedelta(seconds=settings.DELIVERY_PATIENCE),
        )  # fmt: skip
    try:
        hosts.note()
    except (OSError, hosts.Behind) as trouble:
        reason = _("This host can’t note that it sends, or the database was set back to an earlier state: {error}")
        raise emails.Unfit(format_lazy(reason, error=repr(trouble))) from trouble


def _lease(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.DELIVERY_LEASE)


def _relay() -> smtp.Relay:
    """Nobody reads on the way: without TLS, a letter goes no further than this machine, unless the operator says so."""
    may_be_read = settings.EMAIL_HOST in relay.LOOPBACK or not settings.STARTTLS_REQUIRED
    return smtp.Relay(
        host=settings.EMAIL_HOST,
        port=settings.EMAIL_PORT,
        our_name=urlsplit(settings.PUBLIC_URL).hostname or "localhost",
        user=settings.EMAIL_HOST_USER or "",
        password=settings.EMAIL_HOST_PASSWORD or "",
        starttls=settings.EMAIL_USE_TLS or not (settings.EMAIL_USE_SSL or may_be_read),
        tls=settings.EMAIL_USE_SSL,
        timeout=settings.EMAIL_TIMEOUT,
        patience=settings.DELIVERY_PATIENCE,
        moment=min(1, settings.DELIVERY_LEASE / 4),
    )


# What came of it ----------------------------------------------------------------------------------


def _put_back(delivery: Delivery) -> None:
    """Nothing was handed over, and nothing was wrong with it."""
    _try_move(delivery, DeliveryStatus.QUEUED, only_if={"attempts": delivery.attempts})


def _finish_dispatch(delivery: Delivery) -> None:
    """If it was the last one."""
    if not OPEN.exists(dispatch=delivery.dispatch_id):
        dispatches.finish_if_done(Dispatch.objects.get(pk=delivery.dispatch_id))


def _fail(delivery: Delivery, talk: Transcript, *, answer: str, **said: Any) -> None:
    said |= {"settled_at": timezone.now(), "refusal": refusal_of(answer)}
    _end(delivery, DeliveryStatus.FAILED, talk=talk, answer=answer, **said)


def _put_off(delivery: Delivery, talk: Transcript, **said: Any) -> None:
    """Try again later, at longer and longer intervals, and give up after days in which it was tried often enough."""
    now = timezone.now()
    assert delivery.first_tried_at
    if now - delivery.first_tried_at >= GIVE_UP and delivery.attempts > len(RETRIES):
        _fail(delivery, talk, **said)
    else:
        wait = RETRIES[min(delivery.attempts, len(RETRIES)) - 1]
        _end(delivery, DeliveryStatus.DEFERRED, talk=talk, not_before=now + wait, **said)


def _end(delivery: Delivery, to: DeliveryStatus, *, talk: Transcript, **changes: Any) -> None:
    """Write down how the attempt ended, also where the lease ran out meanwhile and the sweeper made it unknown."""
    ours = {"attempts": delivery.attempts}
    try:
        with transaction.atomic():
            _keep(delivery, talk, changes)
            move_on_record(delivery, to, by=None, only_if=ours, **changes)
    except Overtaken:
        late = Delivery.objects.get(pk=delivery.pk)
        if late.status == DeliveryStatus.UNKNOWN != to:
            known = DeliveryStatus.QUEUED if to == DeliveryStatus.DEFERRED else to
            with contextlib.suppress(Overtaken), transaction.atomic():
                _keep(delivery, talk, changes)
                move_on_record(late, known, by=None, only_if=ours, **changes)


def _keep(delivery: Delivery, talk: Transcript, said: dict[str, Any]) -> None:
    connection = dict(talk.connection)
    message_sha256 = connection.pop("message_sha256", "")
    conversation = Attempt(
        delivery=delivery,
        number=delivery.attempts,
        began_at=talk.began_at,
        ended_at=timezone.now(),
        stage=said["stage"],
        code=said["code"],
        answer=said["answer"],
        connection=connection,
        dialogue=talk.text,
        message_sha256=message_sha256,
    )
    insert(conversation)


# Sweeping -----------------------------------------------------------------------------------------


def _free_abandoned(now: datetime) -> None:
    for delivery in Delivery.objects.abandoned(now):
        was_claimed = delivery.status == DeliveryStatus.CLAIMED
        to = DeliveryStatus.QUEUED if was_claimed else DeliveryStatus.UNKNOWN
        if to == DeliveryStatus.UNKNOWN:
            log.warning("Delivery %s was left in the middle: somebody has to find out.", delivery.pk)
        with contextlib.suppress(Overtaken):
            move_on_record(delivery, to, by=None, only_if={"lease_until": delivery.lease_until})


def _cancel_with_dispatch(now: datetime) -> None:
    """What came back to the queue after its dispatch was cancelled."""
    left = Delivery.objects.filter(dispatch__status=DispatchStatus.CANCELLED, status__in=HELD)
    for delivery in left:
        with contextlib.suppress(Overtaken):
            move_on_record(delivery, DeliveryStatus.CANCELLED, by=None, settled_at=now)


def move_on_record(delivery: Delivery, to: str, *, by: User | None, **move_as: Any) -> None:
    """A move that the public record of deliveries shows."""
    with transaction.atomic():
        move(delivery, to, by=by, **move_as)
        if to in ARRIVING and NOT_DELIVERED.exists(edition=delivery.edition_id):
            mark_delivered(delivery.edition.signatures, at=timezone.now())
        touch(delivery.edition.letter, "delivery")


def _try_move(row: Stateful, to: str, *, only_if: dict[str, Any] | None = None, **changes: Any) -> None:
    """Unless somebody else was there first."""
    with contextlib.suppress(Overtaken):
        move(row, to, by=None, only_if=only_if, **changes)
