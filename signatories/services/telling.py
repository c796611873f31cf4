"""What signers are told without having done anything: one reminder, and that the letter is public."""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from ledger.models import Event
from ledger.services import witness
from letters.models import Letter
from letters.states import LetterStatus
from mailing.services import in_outbox
from signatories import emails
from signatories.models import Signature, SignatureQuerySet
from signatories.services.signing import KEPT_UNCONFIRMED
from signatories.states import SignatureStatus

REMIND_AFTER = timedelta(days=3)
BATCH = 500
TOLD = "publication told"


def remind() -> None:
    """Remind those who have not confirmed, each once at most, while there is still time to confirm."""
    now = timezone.now()
    unwilling = Signature.objects.filter(no_reminders=True).values("mailbox")
    waiting = Signature.objects.filter(
        status=SignatureStatus.UNCONFIRMED,
        reminded_at=None,
        signed_at__lte=now - REMIND_AFTER,
        signed_at__gt=now - KEPT_UNCONFIRMED,
        letter__status=LetterStatus.OPEN,
    )
    due = waiting.exclude(mailbox="").exclude(mailbox__in=unwilling).select_related("letter", "organisation")
    for signature in due.order_by("signed_at")[:BATCH]:
        if signature.letter.takes_signatures:
            _remind(signature)


def stop_reminders(signature: Signature) -> None:
    """Remind the reader of this mailbox of nothing, whichever letter was signed with it."""
    same = Signature.objects.filter(mailbox=signature.mailbox) if signature.mailbox else Signature.objects.none()
    (same | Signature.objects.filter(pk=signature.pk)).update(no_reminders=True)


def tell_published() -> None:
    """Tell those whose signature was approved before the letter became public that it is; each once."""
    told = Event.objects.filter(table=Letter._meta.label_lower, target=TOLD).values("row")
    for letter in Letter.objects.public().exclude(pk__in=told).order_by("pk"):
        before = letter.signatures.approved().filter(decided_at__lte=letter.published_at)
        if tell_once(before, key=emails.published_key, tell=emails.published, at_most=BATCH):
            witness(letter, TOLD, by=None)


def _remind(signature: Signature) -> None:
    with transaction.atomic():
        still = Signature.objects.filter(pk=signature.pk, status=SignatureStatus.UNCONFIRMED, reminded_at=None)
        is_ours = still.filter(signed_at=signature.signed_at).update(reminded_at=timezone.now()) == 1
        if is_ours and not emails.reminder(signature, until=signature.signed_at + KEPT_UNCONFIRMED):
            transaction.set_rollback(True)  # mailed enough today; tomorrow is another day


def tell_once(
    signatures: SignatureQuerySet,
    *,
    key: Callable[[int], str],
    tell: Callable[[Signature], bool],
    at_most: int,
) -> bool:
    """Have `tell` queue the mail of those that have none of their `key` yet; whether nobody is left to be told.

    Whoever can't be told (no address, a contact that was deleted) does not stand in the way of the others, however
    many there are. Killed in the middle, it goes on where it was; of two at once, one queues each mail.
    """
    keys = {key(pk): pk for pk in signatures.order_by("pk").values_list("pk", flat=True)}
    known = in_outbox(keys)
    left = [pk for told, pk in keys.items() if told not in known]
    queued = 0
    for start in range(0, len(left), BATCH):
        chunk = signatures.filter(pk__in=left[start : start + BATCH])
        for signature in chunk.select_related("letter", "organisation").order_by("pk"):
            if queued == at_most:
                return False
            queued += tell(signature)
    return True
