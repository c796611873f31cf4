"""Staff give a signer a new link or a new secret."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import access_review, staff, staff_page
from signatories import services
from signatories.models import Signature
from signatories.services.evidence import organisation_of


@require_safe
@staff_page(access_review)
def access(request: HttpRequest, pk: int) -> HttpResponse:
    """How the signer reaches the signature, and the buttons that change it."""
    return _page(request, _signature(pk))


@require_POST
@staff_page(access_review)
def new_link(request: HttpRequest, pk: int) -> HttpResponse:
    """The links that were mailed are dead, but for those that withdraw; a new one is mailed."""
    services.issue_new_link(_signature(pk), by=staff(request))
    messages.success(
        request, _("The earlier links no longer work, but for those that withdraw. A new one is being mailed.")
    )
    return redirect("desk:access", pk=pk)


@require_POST
@staff_page(access_review)
def new_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Shown on the answer itself and nowhere after: no message, no redirect would keep it."""
    signature = _signature(pk)
    if not signature.is_withheld:
        messages.error(request, _("Only a signature whose name is withheld has a secret."))
        return redirect("desk:access", pk=pk)
    return _page(request, signature, secret=services.issue_new_secret(signature, by=staff(request)))


def _page(request: HttpRequest, signature: Signature, *, secret: str = "") -> HttpResponse:
    context = {"signature": signature, "organisation": organisation_of(signature), "secret": secret}
    return render(request, "desk/access.html", context)


def _signature(pk: int) -> Signature:
    found = Signature.objects.select_related("letter", "organisation", "invitation__organisation")
    signature: Signature = get_object_or_404(found, pk=pk)
    return signature
