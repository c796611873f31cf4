"""Staff close the own pages of an organisation whose mailbox or people may be in others' hands, and open them again."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import access_review, staff, staff_page
from ledger.services import IllegalMove, Overtaken
from signatories.countries import country_name
from signatories.desk.rows import own_name
from signatories.models import Organisation, Signature
from signatories.services import access
from signatories.services.evidence import signatures_alike


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_review)
def lock(request: HttpRequest, pk: int) -> HttpResponse:
    """Which signatures that closes, and which others look alike: these are closed with them where they are ticked."""
    found = _organisation(pk)
    if request.method != "POST":
        return _page(request, found)
    try:
        access.lock(found, by=staff(request), also=_ticked(request, found))
        messages.success(request, _("Access is locked: its signatories reach their own pages no more."))
    except (IllegalMove, Overtaken):
        messages.warning(request, _("Somebody else has locked it already, or merged the record."))
    return redirect("desk:lock_organisation", pk=pk)


@require_POST
@staff_page(access_review)
def lock_too(request: HttpRequest, pk: int) -> HttpResponse:
    """Other ticks than at locking."""
    found = _organisation(pk)
    access.lock_too(found, _ticked(request, found), by=staff(request))
    messages.success(request, _("Saved."))
    return redirect("desk:lock_organisation", pk=pk)


@require_POST
@staff_page(access_review)
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        access.unlock(_organisation(pk), by=staff(request))
        messages.success(request, _("Access is open again."))
    except (IllegalMove, Overtaken):
        messages.warning(request, _("Somebody else has unlocked it already, or merged the record."))
    return redirect("desk:organisation", pk=pk)


def _page(request: HttpRequest, found: Organisation) -> HttpResponse:
    if found.merged_into_id:
        return redirect("desk:organisation", pk=found.pk)
    ticked, language = set(found.locked_too.all()), get_language() or settings.LANGUAGE_CODE
    alike = [
        (signature, own_name(signature), country_name(signature.country, language), why, signature in ticked)
        for signature, why in _choices(found)
    ]
    context = {
        "organisation": found,
        "name": own_name(found),
        "alike": alike,
        "own": Signature.objects.live().of_organisation(found).count(),
    }
    return render(request, "desk/lock.html", context)


def _choices(found: Organisation) -> list[tuple[Signature, str]]:
    """Those that look alike, with the reason; and those that were ticked, whatever they are called now."""
    alike = {signature: str(kind.label) for signature, kind in signatures_alike(found)}
    ticked = found.locked_too.select_related("letter").order_by("folded_name", "pk")
    return [*alike.items(), *((signature, "") for signature in ticked if signature not in alike)]


def _ticked(request: HttpRequest, found: Organisation) -> list[Signature]:
    """Of what the page offers: nothing else is closed by this."""
    posted = set(request.POST.getlist("too"))
    return [signature for signature, _why in _choices(found) if str(signature.pk) in posted]


def _organisation(pk: int) -> Organisation:
    found: Organisation = get_object_or_404(Organisation, pk=pk)
    return found
