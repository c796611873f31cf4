"""Staff give a signer a new link or a new secret, and close the pages of an organisation whose mailbox may be lost."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import access_review, staff, staff_page
from accounts.models import User
from ledger.services import IllegalMove, Overtaken
from signatories import services
from signatories.models import Organisation, Signature
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


@require_POST
@staff_page(access_review)
def lock(request: HttpRequest, pk: int) -> HttpResponse:
    return _turn(request, pk, services.lock, _("The organisation’s pages are closed. It can still withdraw."))


@require_POST
@staff_page(access_review)
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    return _turn(request, pk, services.unlock, _("The organisation’s pages are open again."))


def _turn(request: HttpRequest, pk: int, verb: Callable[..., None], done: str) -> HttpResponse:
    organisation = organisation_of(_signature(pk))
    if organisation is None:
        messages.error(request, _("The registry does not know this organisation yet; it does once it is approved."))
    else:
        _tell(request, verb, organisation, staff(request), done)
    return redirect("desk:access", pk=pk)


def _tell(request: HttpRequest, verb: Callable[..., None], organisation: Organisation, by: User, done: str) -> None:
    try:
        verb(organisation, by=by)
        messages.success(request, done)
    except (IllegalMove, Overtaken):
        messages.warning(request, _("Somebody else was faster: this is how it stands now."))


def _page(request: HttpRequest, signature: Signature, *, secret: str = "") -> HttpResponse:
    context = {"signature": signature, "organisation": organisation_of(signature), "secret": secret}
    return render(request, "desk/access.html", context)


def _signature(pk: int) -> Signature:
    found = Signature.objects.select_related("letter", "organisation", "invitation__organisation")
    signature: Signature = get_object_or_404(found, pk=pk)
    return signature
