"""The numbers of the desk: how signatures come in, where they stand, how long they wait for staff."""

from datetime import UTC, date, timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Min
from django.db.models.functions import TruncDate
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import access_review, staff_page
from campaign import charts
from letters.models import Letter
from signatories.desk.rows import rows
from signatories.models import Signature, SignatureQuerySet
from signatories.states import SignatureStatus

LONGEST = 10
WAITING = (SignatureStatus.PENDING, SignatureStatus.ASKED)


@require_safe
@staff_page(access_review)
def numbers(request: HttpRequest) -> HttpResponse:
    """Of all letters, or of one."""
    letters = {letter.slug: letter for letter in Letter.objects.all()}
    slug = request.GET.get("letter", "")
    if slug and slug not in letters:
        raise Http404
    letter = letters.get(slug)
    signatures = letter.signatures.all() if letter else Signature.objects.all()
    drawn = (
        charts.a_day(_a_day(signatures)),
        charts.by_state(_by_state(signatures)),
        charts.time_to_decision(_times(signatures)),
    )
    context: dict[str, Any] = {
        "chosen": letter,
        "letters": list(letters.values()),
        "charts": [chart for chart in drawn if chart],
        "longest": rows(_longest(signatures)),
        "waiting": _waiting(signatures),
    }
    return render(request, "desk/numbers.html", context)


def _a_day(signatures: SignatureQuerySet) -> dict[date, int]:
    """Those that were confirmed, by the day (UTC) on which they were made."""
    confirmed = signatures.filter(confirmed_at__isnull=False).annotate(day=TruncDate("signed_at", tzinfo=UTC))
    return dict(confirmed.order_by().values_list("day").annotate(Count("pk")))


def _by_state(signatures: SignatureQuerySet) -> list[tuple[str, str, int]]:
    counts = dict(signatures.order_by().values_list("status").annotate(Count("pk")))
    return [(state.value, str(state.label), counts.get(state.value, 0)) for state in SignatureStatus]


def _times(signatures: SignatureQuerySet) -> list[timedelta]:
    decided = signatures.filter(decided_at__isnull=False, confirmed_at__isnull=False)
    took = ExpressionWrapper(F("decided_at") - F("confirmed_at"), output_field=DurationField())
    return list(decided.order_by().annotate(took=took).values_list("took", flat=True))


def _longest(signatures: SignatureQuerySet) -> SignatureQuerySet:
    waiting = signatures.filter(status__in=WAITING).select_related("letter", "assigned_to")
    return waiting.order_by("confirmed_at", "pk")[:LONGEST]


def _waiting(signatures: SignatureQuerySet) -> list[dict[str, Any]]:
    """A letter each: how many wait, and since when the first of them."""
    waiting = signatures.filter(status=SignatureStatus.PENDING).order_by()
    counted = waiting.values("letter").annotate(count=Count("pk"), since=Min("confirmed_at"))
    by_letter = Letter.objects.in_bulk([row["letter"] for row in counted])
    found = [{**row, "letter": by_letter[row["letter"]]} for row in counted]
    return sorted(found, key=lambda row: row["since"])
