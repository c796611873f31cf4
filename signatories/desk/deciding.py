"""Staff decide on signatures, and decide otherwise later: each time for what stood there when they looked."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import access_review, back, staff, staff_page
from ledger.services import IllegalMove, Overtaken
from signatories import services
from signatories.desk.queue import proposed
from signatories.desk.rows import REASONS, own_name, rows, shown
from signatories.models import Signature
from signatories.states import SignatureStatus

BATCH = 200


@require_POST
@staff_page(access_review)
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the organisation under the letter."""

    def decide(signature: Signature) -> str:
        services.approve(signature, by=staff(request))
        return _("“%(name)s” is approved.")

    return _decide(request, pk, decide)


@require_POST
@staff_page(access_review)
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    """Decline the signature; the reason is mailed to the signer."""
    reason = request.POST.get("reason", "")
    if reason not in REASONS:
        messages.error(request, _("Choose one of the reasons."))
        return redirect(back(request, reverse("desk:home")))

    def decide(signature: Signature) -> str:
        services.reject(signature, by=staff(request), reason=reason)
        return _("“%(name)s” is rejected. The reason is being mailed to the signatory.")

    return _decide(request, pk, decide)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_review)
def batch(request: HttpRequest) -> HttpResponse:
    """Known members of the coalition with evidence and without doubts, all with what speaks for them, in one go."""
    if request.method == "POST":
        return _approve_batch(request)
    listed = rows(proposed().select_related("letter", "assigned_to")[:BATCH])
    return render(request, "desk/batch.html", {"rows": [row for row in listed if not row.doubts]})


def _approve_batch(request: HttpRequest) -> HttpResponse:
    looked_at = dict(stated.partition(" ")[::2] for stated in request.POST.getlist("approve"))
    listed = rows(
        Signature.objects.filter(
            pk__in=[pk for pk in looked_at if pk.isascii() and pk.isdecimal() and len(pk) < 19]
        ).select_related("letter")
    )
    still = set(proposed().values_list("pk", flat=True))
    same = [row for row in listed if row.signature.pk in still and not row.doubts]
    same = [row for row in same if looked_at[str(row.signature.pk)] == row.shown]
    done = services.approve_batch([row.signature for row in same], by=staff(request))
    approved = {signature.pk for signature in done.approved}
    skipped = [row.name for row in listed if row.signature.pk not in approved]
    _tell_batch(request, len(approved), skipped)
    return redirect("desk:batch" if skipped else "desk:home")


def _tell_batch(request: HttpRequest, approved: int, skipped: list[str]) -> None:
    if approved:
        text = ngettext("%(count)s signature is approved.", "%(count)s signatures are approved.", approved)
        messages.success(request, text % {"count": approved})
    elif not skipped:
        messages.warning(request, _("No signature was ticked, so nothing was approved."))
    if skipped:
        text = _("Something changed meanwhile. Not approved, look at them again: %(names)s")
        messages.warning(request, text % {"names": "; ".join(f"“{name}”" for name in skipped)})


def _decide(request: HttpRequest, pk: int, decide: Callable[[Signature], str]) -> HttpResponse:
    signature: Signature = get_object_or_404(Signature.objects.select_related("letter", "organisation"), pk=pk)
    try:
        if shown(signature) != request.POST.get("shown"):
            raise Overtaken
        messages.success(request, decide(signature) % {"name": own_name(signature)})
    except (Overtaken, IllegalMove):
        messages.warning(request, what_happened(Signature.objects.select_related("decided_by").get(pk=pk)))
    except services.AlreadyApproved:
        text = _("“%(name)s” stands under this letter already, by another signature. This one can only be rejected.")
        messages.error(request, text % {"name": own_name(signature)})
    except services.RecordedByOneself:
        text = _("You have recorded the signature of “%(name)s” yourself. Somebody else has to approve it.")
        messages.error(request, text % {"name": own_name(signature)})
    except services.EarlierText:
        text = _(
            "“%(name)s” signed an earlier text, whose meaning is not that of the letter now. It can be approved once"
            " its signatory has kept the signature under the new one."
        )
        messages.error(request, text % {"name": own_name(signature)})
    return redirect(back(request, reverse("desk:home")))


def what_happened(signature: Signature) -> str:
    """Who was faster. A decision made before the signer withdrew and signed anew is not the one that counts."""
    texts = {
        SignatureStatus.APPROVED: _("“%(name)s” has already been approved, by %(who)s on %(when)s."),
        SignatureStatus.REJECTED: _("“%(name)s” has already been rejected, by %(who)s on %(when)s."),
        SignatureStatus.ASKED: _("A question about “%(name)s” waits for an answer. To decide now, take it back."),
        SignatureStatus.WITHDRAWN: _("“%(name)s” has been withdrawn by the signatory. There is nothing to decide."),
    }
    changed = _("Something about “%(name)s” has changed. Look at it again before you decide.")
    return texts.get(SignatureStatus(signature.status), changed) % {
        "name": own_name(signature),
        "who": signature.decided_by,
        "when": date_format(signature.decided_at, "DATETIME_FORMAT") + " UTC" if signature.decided_at else "",
    }
