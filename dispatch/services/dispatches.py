"""A dispatch: prepared by one member of staff, authorised by them and another, and then in the workers' hands.

Until it is authorised, whatever is done with it holds the lock of its row: what two people authorise is one dossier.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import CharField, prefetch_related_objects
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.access import access_campaign, access_send, may
from accounts.models import User
from dispatch import dossier, emails
from dispatch.models import (
    Authorisation,
    Channel,
    Delivery,
    Dispatch,
    Edition,
    FurtherAddress,
    Recipient,
    Waiver,
    Wording,
)
from dispatch.services import dry_runs, senders, switch
from dispatch.states import HELD, TURNED_AWAY, DeliveryStatus, DispatchStatus, EditionStatus
from ledger.bell import ring
from ledger.services import Overtaken, move, record, witness
from letters.services import touch

log = logging.getLogger(__name__)


class NotSealed(Exception):
    """Only the latest sealed edition is sent."""


class AlreadySent(Exception):
    """Every recipient has, or is to get, this edition already."""


class SomethingStandsInTheWay(Exception):
    """The dossier has findings that are neither mended nor waived."""


class WaivedAlready(Exception):
    """Somebody was first. `waiver` is theirs."""

    def __init__(self, waiver: Waiver) -> None:
        super().__init__(f"Waiver {waiver.pk}")
        self.waiver = waiver


class AnotherDossier(Exception):
    """The dossier is not the one that was looked at."""


class SendingIsOff(Exception):
    """The stop switch is off, or the operator’s own lock."""


def prepare(edition: Edition, *, by: User) -> Dispatch:
    """Freeze to whom an edition goes, where, how, in which language and with which words.

    Whoever has it, or is to get it, is left out. Raises `NotSealed`, or `AlreadySent` where nobody remains.
    """
    if edition.status != EditionStatus.SEALED or edition.names_someone_who_left:
        raise NotSealed
    try:
        with transaction.atomic():
            recipients = list(edition.left_over())
            if not recipients:
                raise AlreadySent
            dispatch = edition.dispatches.create(prepared_by=by)
            record(dispatch, by=by)
            for recipient in recipients:
                record(_delivery(dispatch, recipient, recipient.channel, recipient.address), by=by)
            _freeze(dispatch)
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
            record(_delivery(dispatch, refused.recipient, further.channel, further.as_sent, after=refused), by=by)
            _freeze(dispatch)
    except IntegrityError:
        raise AlreadySent from None
    senders.ask()
    return dispatch


def put_together(dispatch: Dispatch, *, by: User, seen: str) -> None:
    """Freeze the mails anew, of today's date, to the addresses and with the words as they are now.

    `seen` is the SHA-256 of the dossier that `by` looked at: raises `AnotherDossier`, so that nobody undoes what
    somebody else has just put together and authorised. Raises `AlreadySent` where another delivery of the edition goes
    to what is the address now.
    """
    try:
        with _still_prepared(dispatch) as locked:
            if dossier.of(locked).sha256 != seen:
                raise AnotherDossier
            anew = locked.deliveries.filter(after=None).exclude(status=DeliveryStatus.CANCELLED)
            anew.update(address=Cast("pk", CharField()))  # so that one can take the address that another leaves
            for delivery in anew.select_related("recipient"):
                _address_anew(delivery)
            _freeze(locked)
            witness(locked, "put together", by=by)
            _look(locked)
    except IntegrityError:
        raise AlreadySent from None


def exclude(delivery: Delivery, *, by: User) -> None:
    """Take a delivery out of a dispatch that is not authorised yet: its address is free again."""
    with _still_prepared(delivery.dispatch) as locked:
        move(delivery, DeliveryStatus.CANCELLED, by=by, settled_at=timezone.now())
        _look(locked)


def waive(dispatch: Dispatch, *, finding: str, facts: str, reason: str, by: User) -> None:
    """Let a finding stand as it was shown.

    Raises `WaivedAlready`, or `Overtaken` where it is another by now, is gone, or may not be waived.
    """
    with _still_prepared(dispatch) as locked:
        found = {found.key: found for found in _look(locked).findings}.get(finding)
        if found is None or found.facts != facts or not found.check.is_waivable:
            raise Overtaken(f"Dispatch {dispatch.pk} has no such finding")
        if found.waiver:
            raise WaivedAlready(found.waiver)
        waiver = Waiver.objects.create(dispatch=locked, finding=finding, facts=facts, reason=reason, by=by)
        witness(waiver, "waived", by=by)
        _look(locked)


def take_back_waiver(dispatch: Dispatch, *, waiver: int, by: User) -> None:
    """The finding stands in the way again, and what was authorised with the waiver is void. Raises `Overtaken`."""
    with _still_prepared(dispatch) as locked:
        _look(locked)
        standing = locked.waivers.filter(pk=waiver, ended_at=None).first()
        if standing is None:
            raise Overtaken(f"Dispatch {dispatch.pk} has no such waiver")
        _end(standing, by=by)
        _look(locked)


def authorise(dispatch: Dispatch, *, by: User, seen: str) -> bool:
    """The word of somebody who looked at the dossier whose SHA-256 is `seen`; whether the dispatch goes out with it.

    It does once the preparer and one other person, who both still may, have given theirs for the dossier as it is.
    Raises `PermissionDenied`, `SendingIsOff`, `NotSealed`, `SomethingStandsInTheWay`, `AnotherDossier`, `Overtaken`, or
    `dry_runs.UnderWay`, for what it finds belongs to what is authorised.
    """
    from dispatch import tasks

    if not may_authorise(by, dispatch):
        raise PermissionDenied
    if not switch.is_on():
        raise SendingIsOff
    with _still_prepared(dispatch) as locked:
        now = _look(locked)
        if now.sha256 != seen:
            raise AnotherDossier
        _check_that_it_may_go(locked, now)
        word = {"dossier": now.facts, "sha256": now.sha256}
        authorisation, is_new = locked.authorisations.get_or_create(by=by, void_since=None, defaults=word)
        if is_new:
            witness(authorisation, "authorised", by=by)
        other = _the_other(locked, now.sha256)
        if other is None:
            return False
        move(dispatch, DispatchStatus.AUTHORISED, by=by, authorised_by=other, authorised_at=timezone.now())
        ring(tasks.start, dispatch.pk)
        return True


def may_authorise(user: User, dispatch: Dispatch) -> bool:
    """Who prepared it, as long as they may prepare; of all others, those who may send."""
    return may(user, access_campaign if dispatch.prepared_by_id == user.pk else access_send)


def holding(dispatch: Dispatch, sha256: str) -> list[Authorisation]:
    """Those that stand for the dossier of that SHA-256, by people who still may."""
    given = dispatch.authorisations.filter(sha256=sha256, void_since=None)
    people = given.select_related("by").prefetch_related("by__roles")
    return [authorisation for authorisation in people if may_authorise(authorisation.by, dispatch)]


def sweep() -> None:
    """Notice what was changed elsewhere: a signatory, a record in DNS, a file."""
    void_what_changed(Dispatch.objects.spoken_for())


def void_what_changed(among: Iterable[Dispatch]) -> None:
    """What was authorised or waived of a dossier that is another by now counts no more, even if it returns."""
    for dispatch in among:
        if any(_void(dispatch, dossier.of(dispatch))):  # most often nothing is, and nobody has to wait for the lock
            with suppress(Overtaken), _locked(dispatch) as locked:
                _look(locked)


def start(dispatch: Dispatch) -> None:
    """Let the workers have the deliveries of an authorised dispatch, where sending is on."""
    if not switch.is_on() or dispatch.status != DispatchStatus.AUTHORISED:
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
    with transaction.atomic():
        move(dispatch, DispatchStatus.HALTED, by=by)
        touch(dispatch.edition.letter, "delivery")


def resume(dispatch: Dispatch, *, by: User) -> None:
    """Go on with what was halted."""
    if dispatch.status != DispatchStatus.HALTED:
        raise Overtaken(f"Dispatch {dispatch.pk} is {dispatch.status}, and not halted")
    with transaction.atomic():
        move(dispatch, DispatchStatus.SENDING, by=by)
        touch(dispatch.edition.letter, "delivery")
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


def halt_if_somebody_left(dispatch: Dispatch) -> None:
    """Where something has still to go, by mail or by hand, and its edition names somebody who took the name back."""
    waits = dispatch.status == DispatchStatus.SENDING and dispatch.deliveries.filter(status__in=HELD).exists()
    if waits and dispatch.edition.names_someone_who_left:
        with suppress(Overtaken), transaction.atomic():
            move(dispatch, DispatchStatus.HALTED, by=None)
            touch(dispatch.edition.letter, "delivery")
            log.warning("Dispatch %s is halted: its edition names somebody who took the name back.", dispatch.pk)


@contextmanager
def _still_prepared(dispatch: Dispatch) -> Iterator[Dispatch]:
    """For an act: the dispatch as it is now, locked, in a transaction. Raises `Overtaken` where it is under way.

    What is void is marked before, on its own: also where the act is then refused, and undone.
    """
    void_what_changed([dispatch])
    with _locked(dispatch) as locked:
        yield locked


@contextmanager
def _locked(dispatch: Dispatch) -> Iterator[Dispatch]:
    with transaction.atomic():
        locked = Dispatch.objects.select_for_update(of=("self",)).select_related("edition__letter").get(pk=dispatch.pk)
        if locked.status != DispatchStatus.PREPARED:
            raise Overtaken(f"Dispatch {dispatch.pk} is {locked.status}")
        yield locked


def _look(dispatch: Dispatch) -> dossier.Dossier:
    """The dossier as it is now; what was authorised or waived of another one ends with the look.

    To be called with the lock of the row, before something is decided on the dossier and after something changed it.
    """
    now = dossier.of(dispatch)
    waivers, authorisations = _void(dispatch, now)
    for waiver in waivers:
        _end(waiver, by=None)
    for authorisation in authorisations:
        Authorisation.objects.filter(pk=authorisation.pk).update(void_since=timezone.now())
        witness(authorisation, "void", by=None)
    return now


def _void(dispatch: Dispatch, now: dossier.Dossier) -> tuple[list[Waiver], list[Authorisation]]:
    """What stands, and should not: it is of another dossier, or by somebody who may authorise no more."""
    found = {(finding.key, finding.facts) for finding in now.findings}
    waivers = [waiver for waiver in now.looked.standing if (waiver.finding, waiver.facts) not in found]
    holds = {authorisation.pk for authorisation in holding(dispatch, now.sha256)}
    return waivers, list(dispatch.authorisations.filter(void_since=None).exclude(pk__in=holds))


def _end(waiver: Waiver, *, by: User | None) -> None:
    Waiver.objects.filter(pk=waiver.pk).update(ended_at=timezone.now(), ended_by=by)
    witness(waiver, "taken back" if by else "void", by=by)


def _the_other(dispatch: Dispatch, sha256: str) -> User | None:
    """Who authorised beside the preparer, the first of them; None while one of the two is missing."""
    people = [authorisation.by for authorisation in holding(dispatch, sha256)]
    others = [person for person in people if person.pk != dispatch.prepared_by_id]
    return others[0] if others and len(others) < len(people) else None


def _check_that_it_may_go(dispatch: Dispatch, now: dossier.Dossier) -> None:
    if dry_runs.is_under_way(dispatch):
        raise dry_runs.UnderWay
    if not _may_go(dispatch):
        raise NotSealed
    if now.open:
        raise SomethingStandsInTheWay


def _may_go(dispatch: Dispatch) -> bool:
    """The latest edition; or an earlier one, to the next address of somebody who did not get it."""
    edition = dispatch.edition
    if edition.names_someone_who_left:
        return False
    is_next_rung = not dispatch.deliveries.filter(after=None).exists()
    return edition.status == EditionStatus.SEALED or (edition.status == EditionStatus.SUPERSEDED and is_next_rung)


def _freeze(dispatch: Dispatch) -> None:
    """What can't be put together has no wording, and is a finding of the dossier."""
    now = timezone.now()
    Wording.objects.filter(delivery__dispatch=dispatch).delete()
    alive = dispatch.deliveries.select_related("recipient").exclude(status=DeliveryStatus.CANCELLED)
    prefetch_related_objects([dispatch.edition], "files")
    for delivery in alive:
        delivery.dispatch, delivery.edition = dispatch, dispatch.edition
        with suppress(emails.Unfit):
            emails.put_together(delivery, at=now).save()


def _address_anew(delivery: Delivery) -> None:
    recipient = delivery.recipient
    stated = _addressed(delivery.dispatch.edition, recipient, recipient.channel, recipient.address)
    Delivery.objects.filter(pk=delivery.pk).update(**stated)


def _delivery(
    dispatch: Dispatch, recipient: Recipient, channel: str, address: str, after: Delivery | None = None
) -> Delivery:
    edition = dispatch.edition
    return dispatch.deliveries.create(
        edition=edition, recipient=recipient, after=after, **_addressed(edition, recipient, channel, address)
    )


def _addressed(edition: Edition, recipient: Recipient, channel: str, address: str) -> dict[str, str]:
    address = address.strip().lower() if channel == Channel.EMAIL else address.strip()
    return {
        "channel": channel,
        "address": address,
        "language": recipient.language,
        "message_id": _message_id(edition, address),
    }


def _message_id(edition: Edition, address: str) -> str:
    """The same for an edition and an address, however often it is tried (RFC 5322, 3.6.4)."""
    digest = hashlib.sha256(f"{edition.sha256} {address}".encode()).hexdigest()[:32]
    return f"<{digest}@{urlsplit(settings.PUBLIC_URL).hostname}>"


def _ring_for_deliveries(dispatch: Dispatch) -> None:
    from dispatch import tasks

    waiting = dispatch.deliveries.filter(status=DeliveryStatus.QUEUED, channel=Channel.EMAIL)
    for pk in waiting.values_list("pk", flat=True):
        ring(tasks.deliver, pk)
