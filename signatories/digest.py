"""What waits, once a day, to those who review: nothing on a day on which nothing does."""

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from letters.models import Letter
from mailing.services import queue
from signatories.models import Correction, Signature
from signatories.states import CorrectionStatus, SignatureStatus


@dataclass(frozen=True)
class Waiting:
    """Of one letter: signatures that wait for a decision, since when the first, and what else there is to look at."""

    letter: Letter
    pending: int
    since: datetime | None
    asked: int
    corrections: int


def mail_digests() -> int:
    """Queue today's digest for every reviewer who has none yet, whoever asks for it; the number queued."""
    waiting = what_waits()
    if not waiting:
        return 0
    reviewers = User.objects.filter(is_active=True, roles__role=Role.Name.REVIEWER).distinct()
    return sum(_mail(reviewer, waiting) for reviewer in reviewers)


def what_waits() -> list[Waiting]:
    """A letter each, by their last days for signing. What waits for signers alone is no matter."""
    letters = Letter.objects.in_bulk()
    is_pending = Q(status=SignatureStatus.PENDING)
    counted = (
        Signature.objects.order_by()
        .values("letter")
        .annotate(
            pending=Count("pk", filter=is_pending),
            since=Min("confirmed_at", filter=is_pending),
            asked=Count("pk", filter=Q(status=SignatureStatus.ASKED)),
        )
        .values_list("letter", "pending", "since", "asked")
    )
    open_ones = Correction.objects.filter(status=CorrectionStatus.PENDING).order_by()
    corrections = dict(open_ones.values_list("signature__letter").annotate(Count("pk")))
    found = (
        Waiting(letters[letter], pending=pending, since=since, asked=asked, corrections=corrections.get(letter, 0))
        for letter, pending, since, asked in counted
    )
    waiting = [row for row in found if row.pending or row.corrections]
    return sorted(waiting, key=lambda row: (row.letter.signing_until or date.max, row.letter.pk))


def _mail(reviewer: User, waiting: list[Waiting]) -> bool:
    own = Signature.objects.filter(assigned_to=reviewer, status=SignatureStatus.PENDING).count()
    return queue(
        key=f"digest:{reviewer.pk}:{timezone.now().date()}",
        to=reviewer.email,
        language=reviewer.language,
        template="emails/signatories/digest.txt",
        context={
            "waiting": waiting,
            "total": sum(row.pending + row.corrections for row in waiting),
            "own": own,
            "link": f"{settings.PUBLIC_URL}{reverse('desk:home')}",
        },
        is_demonstration=all(row.letter.is_demonstration for row in waiting),
    )
