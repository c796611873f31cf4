"""The desk: the queue with the letters below it, and a page a letter."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import (
    access_campaign,
    access_deliveries,
    access_desk,
    access_review,
    access_text,
    may,
    staff,
    staff_page,
)
from accounts.models import User
from campaign.letter_history import history
from campaign.standing import BEING_TYPESET, Standing, progress, standings
from dispatch.desk_sending import how_it_stands
from ledger.services import IllegalMove, Overtaken
from letters import services
from letters.models import Letter, Version
from letters.states import LetterStatus
from signatories.desk import queue
from signatories.desk.rows import REASONS, own_name, rows
from signatories.states import SignatureStatus

# The lists of a letter's page. Who has not confirmed is in none: there is nothing to decide yet.
LISTED = (
    SignatureStatus.PENDING,
    SignatureStatus.ASKED,
    SignatureStatus.APPROVED,
    SignatureStatus.REJECTED,
    SignatureStatus.LAPSED,
    SignatureStatus.WITHDRAWN,
)

NAMED = 100  # of those whom an edition leaves out, in one line


@require_safe
@staff_page(access_desk)
def home(request: HttpRequest) -> HttpResponse:
    """What waits for a decision, and where every letter stands."""
    context: dict[str, Any] = {
        "standings": standings(Letter.objects.all()),
        "may_follow": may(staff(request), access_deliveries),
        **how_it_stands(staff(request)),
    }
    if may(staff(request), access_review):
        context |= _queue(request)
    return render(request, "desk/home.html", context)


@require_safe
@staff_page(access_desk)
def letter(request: HttpRequest, slug: str) -> HttpResponse:
    """A letter: what is done, what the next step waits for, and who signed."""
    found: Letter = get_object_or_404(Letter.objects.select_related("campaign"), slug=slug)
    (standing,) = standings([found])
    may_campaign = may(staff(request), access_campaign)
    context = {
        "letter": found,
        "standing": standing,
        "editions": _editions(found),
        "may_campaign": may_campaign,
        "history": history(found) if may_campaign else [],
        "may_write": may(staff(request), access_text),
        "is_open": found.status == LetterStatus.OPEN,
        **_signatures(request, standing, staff(request)),
    }
    return render(request, "desk/letter.html", context)


@require_POST
@staff_page(access_campaign)
def open_signing(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Letter, slug=slug)
    try:
        services.open_for_signing(found, by=staff(request))
        messages.success(request, _("The letter is open for signing."))
    except Version.DoesNotExist:
        messages.error(request, _("The letter has no text yet that is complete in every language."))
    except (IllegalMove, Overtaken):
        messages.warning(request, _("The letter was open already."))
    return redirect("desk:letter", slug=slug)


@require_POST
@staff_page(access_campaign)
def close_signing(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Letter, slug=slug)
    try:
        services.close_for_signing(found, by=staff(request))
        messages.success(request, _("The letter is closed for signing."))
    except (IllegalMove, Overtaken):
        messages.warning(request, _("The letter was closed already."))
    return redirect("desk:letter", slug=slug)


def _queue(request: HttpRequest) -> dict[str, Any]:
    """What is asked for of the signatures of all letters; what waits for a decision, where nothing is."""
    asked = queue.filters(request)
    page = queue.a_page(asked.found(), request.GET.get("page"))
    return {
        "filters": asked,
        "query": asked.query,
        "page": page,
        "rows": rows(page, here=request.get_full_path()),
        "reasons": REASONS,
        "proposed": queue.proposed().count(),
        "elsewhere": asked.elsewhere,
    }


class SigningForm(forms.ModelForm):
    """Who may sign, and until when."""

    class Meta:
        model = Letter
        fields = ("signing_until", "accepts_individuals", "is_guarded")
        widgets = {"signing_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        error_messages = {"signing_until": {"invalid": gettext_lazy("Enter a day such as 2020-08-31.")}}

    def clean_signing_until(self) -> date | None:
        day: date | None = self.cleaned_data["signing_until"]
        if day == date.max:  # it has no end: there is no day after it
            raise ValidationError(_("Enter a day such as 2020-08-31."))
        return day


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_campaign)
def signing(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Letter, slug=slug)
    form = SigningForm(request.POST or None, instance=found)
    if form.is_valid():
        services.choose_signing(found, by=staff(request), **form.cleaned_data)
        messages.success(request, _("Saved. The public pages say so within seconds."))
        return redirect("desk:letter", slug=slug)
    return render(request, "desk/signing.html", {"letter": found, "form": form}, status=422 if form.is_bound else 200)


def _editions(letter: Letter) -> list[dict[str, Any]]:
    """The latest first, each with its dispatches and, while it is being typeset, how far that has come."""
    editions = letter.editions.defer("content").select_related("cut_by", "version").order_by("-number")
    return [
        {
            "edition": edition,
            "progress": progress(edition) if edition.status in BEING_TYPESET else "",
            "dispatches": edition.dispatches.all(),
        }
        for edition in editions.prefetch_related("files", "dispatches__prepared_by", "dispatches__authorised_by")
    ]


def _signatures(request: HttpRequest, standing: Standing, user: User) -> dict[str, Any]:
    """One of the lists; nothing for those who have no business with people's names and addresses."""
    if not may(user, access_review):
        return {}
    state = request.GET.get("state")
    if state not in LISTED:
        state = SignatureStatus.PENDING.value
    listed = standing.letter.signatures.filter(status=state)
    waits = state == SignatureStatus.PENDING
    in_order = queue.in_order(listed) if waits else listed.order_by("-is_lead", "folded_name", "pk")
    page = queue.a_page(in_order, request.GET.get("page"))
    return {
        "left_out": _left_out(standing) if standing.edition else [],
        "state": state,
        "query": urlencode({"letter": standing.letter.slug, "state": state}),
        "lists": [(listed.value, listed.label, standing.signatures[listed]) for listed in LISTED],
        "page": page,
        "rows": rows(page, here=request.get_full_path()),
        "reasons": REASONS,
    }


def _left_out(standing: Standing) -> list[tuple[str, str]]:
    """Whom the latest edition leaves out for want of a decision or a confirmation: the state, and the names."""
    states = (SignatureStatus.PENDING, SignatureStatus.UNCONFIRMED)
    return [(str(state.label), _names(standing, state)) for state in states if standing.signatures[state]]


def _names(standing: Standing, state: SignatureStatus) -> str:
    found = standing.letter.signatures.filter(status=state).order_by("folded_name", "pk")[:NAMED]
    names = ", ".join(own_name(signature) for signature in found)
    more = standing.signatures[state] - NAMED
    if more <= 0:
        return names
    return ngettext("%(names)s and %(more)s more", "%(names)s and %(more)s more", more) % {"names": names, "more": more}
