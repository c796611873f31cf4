"""A dry run: the mails of a dispatch go the way that they will go, to a catcher on this machine, and are compared.

The very bytes, through the same conversation, one recipient at a time; the mail server of the site hears nothing of it,
and no delivery changes.
"""

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from dispatch import emails, returns, smtp
from dispatch.dossier import Looked, mails_of, wording_of
from dispatch.models import Delivery, Dispatch, DryRun
from dispatch.states import DispatchStatus, DryRunStatus
from ledger.bell import ring
from ledger.services import Overtaken, move, record

if TYPE_CHECKING:
    from dispatch.catcher import Catcher

LEASE = timedelta(minutes=2)  # for each mail: several steps of a conversation with a machine that does not answer
TIMEOUT = 20  # seconds for each step of a conversation with this machine


class Trouble(models.TextChoices):
    """What was wrong with a mail."""

    UNFIT = "unfit", _("it can’t be put together as it is frozen")
    REFUSED = "refused", _("it could not be handed over")
    ENVELOPE = "envelope", _("it arrived under another address")
    BYTES = "bytes", _("what arrived is not what is frozen, byte for byte")


class UnderWay(Exception):
    """One that was asked for has not ended yet."""


def ask(dispatch: Dispatch, *, by: User | None) -> DryRun:
    """Have a worker do a dry run of the mails as they are. Raises `UnderWay`, or `Overtaken` once it is authorised."""
    from dispatch import tasks

    with transaction.atomic():
        locked = Dispatch.objects.select_for_update().only("pk", "status").get(pk=dispatch.pk)
        if locked.status != DispatchStatus.PREPARED:  # the last one belongs to what was authorised
            raise Overtaken(f"Dispatch {dispatch.pk} is {locked.status}")
        if is_under_way(dispatch):
            raise UnderWay
        made: DryRun = dispatch.dry_runs.create(asked_by=by)
        record(made, by=by)
        ring(tasks.dry_run, made.pk)
        return made


def is_under_way(dispatch: Dispatch) -> bool:
    return dispatch.dry_runs.filter(status__in=(DryRunStatus.ASKED, DryRunStatus.RUNNING)).exists()


def run(dry_run: DryRun) -> None:
    """Do what was asked for, unless another worker does or did. Raises `Overtaken` where a mail outlasted its lease."""
    if dry_run.status != DryRunStatus.ASKED:
        return
    now = timezone.now()
    try:
        move(dry_run, DryRunStatus.RUNNING, by=None, lease_until=now + LEASE)
    except Overtaken:
        return
    from dispatch.catcher import catching  # with a mail server, in memory only here

    mails, found = Looked(dry_run.dispatch).mails, list[tuple[int, Trouble | None]]()
    with catching() as catcher:
        for mail in mails:
            _renew(dry_run)
            found.append((mail.pk, _trouble(mail, catcher)))
    differences = [{"delivery": pk, "trouble": trouble.value} for pk, trouble in found if trouble]
    move(
        dry_run,
        DryRunStatus.DIFFERENT if differences else DryRunStatus.SAME,
        by=None,
        only_if={"lease_until": dry_run.lease_until},
        ended_at=timezone.now(),
        mails=mails_of(mails),
        count=len(mails),
        differences=differences,
    )


def sweep() -> None:
    """Ring for those that nobody heard of, and for those whose worker did not come back."""
    from dispatch import tasks

    for left in DryRun.objects.filter(status=DryRunStatus.RUNNING, lease_until__lt=timezone.now()):
        try:
            move(left, DryRunStatus.ASKED, by=None, only_if={"lease_until": left.lease_until})
        except Overtaken:
            continue
    for pk in DryRun.objects.filter(status=DryRunStatus.ASKED).values_list("pk", flat=True):
        ring(tasks.dry_run, pk)


def _renew(dry_run: DryRun) -> None:
    """Keep it ours for another mail, so that one whose worker was killed is soon done by another."""
    until = timezone.now() + LEASE
    ours = DryRun.objects.filter(pk=dry_run.pk, status=DryRunStatus.RUNNING, lease_until=dry_run.lease_until)
    if not ours.update(lease_until=until):
        raise Overtaken(f"Dry run {dry_run.pk} was taken from us")
    dry_run.lease_until = until


def _trouble(mail: Delivery, catcher: "Catcher") -> Trouble | None:
    """What is wrong with one mail, if anything is."""
    catcher.caught.clear()
    sender = returns.address(mail.pk, mail.attempts)
    try:
        frozen = emails.frozen(mail)
        smtp.hand_over(
            frozen.pieces,
            sender=sender,
            recipient=mail.address,
            envelope_id=returns.token(mail.pk, mail.attempts),
            relay=smtp.Relay("127.0.0.1", catcher.port, _our_name(), timeout=TIMEOUT, patience=TIMEOUT),
            before_dot=lambda: None,
        )
    except emails.Unfit:
        return Trouble.UNFIT
    except (smtp.NotTaken, smtp.Unanswered):
        return Trouble.REFUSED
    caught, wording = catcher.caught, wording_of(mail)
    if len(caught) != 1 or (caught[0].sender, caught[0].recipients) != (sender, (mail.address,)):
        return Trouble.ENVELOPE
    arrived = caught[0].content
    is_same = arrived == b"".join(frozen.pieces) and wording and hashlib.sha256(arrived).hexdigest() == wording.sha256
    return None if is_same else Trouble.BYTES


def _our_name() -> str:
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"
