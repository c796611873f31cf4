"""A signer withdraws, or withholds the name: off the public pages at once, and told what can't be called back."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.views.decorators.http import require_http_methods

from dispatch.queries import copies_naming
from ledger.models import Event
from ledger.services import Overtaken
from publishing import services as publishing
from publishing.mirrors import mirrors_behind
from signatories import links, services
from signatories.models import Signature
from signatories.states import SignatureStatus
from signatories.views.pages import about, by_link, may_see, neutral_address, of_signature, page


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, token: str) -> HttpResponse:
    """The button that withdraws, behind a link that never expires: also after archiving, and where access is locked."""
    signature = by_link("withdraw", token)
    if signature is None:
        return page(request, "invalid", status=404)
    if request.method == "POST":
        try:
            leave(signature)
        except publishing.TakenDown:
            return _shown(request, signature, taken_down=True)
        except publishing.StillPublic:
            return _shown(request, signature, status=503, still_public=True)
        return redirect(request.path)
    return _shown(request, signature)


@require_http_methods(["GET", "HEAD", "POST"])
@of_signature
def withhold(request: HttpRequest, signature: Signature) -> HttpResponse:
    """The button after which the organisation is counted and not named. Its secret is in the answer, and only there."""
    if request.method != "POST":
        return page(request, "withhold", **about(signature))
    try:
        secret = services.withhold(signature)
    except services.NotStanding:
        return redirect(links.path(signature, "own"))
    context: dict[str, Any] = {"signature": signature, "secret": secret, "contact": neutral_address()}
    context["copies"] = copies_naming(signature)
    try:
        services.leave_the_pages(signature)
    except publishing.TakenDown:
        context["taken_down"] = True
    except publishing.StillPublic:
        context["still_public"] = True
    context["mirrors"] = [mirror.address for mirror in mirrors_behind(timezone.now()) if mirror.address]
    return page(request, "withheld", status=503 if context.get("still_public") else 200, **context)


def leave(signature: Signature) -> None:
    """Whatever staff decided a moment before: the signer's withdrawal holds. Raises as `services.withdraw` does."""
    with translation.override(signature.language):
        copies = copies_naming(signature)
    while True:
        try:
            return services.withdraw(signature, copies=copies)
        except Overtaken:
            signature.refresh_from_db()


def _shown(request: HttpRequest, signature: Signature, *, status: int = 200, **context: Any) -> HttpResponse:
    """Letter and copies are named to whoever may see the signature's own page; to all others, the button alone."""
    is_open = may_see(request, signature) and not signature.is_locked
    contact = signature.letter.contact_email if is_open else neutral_address()
    context |= {"is_open": is_open, "contact": contact}
    if is_open:
        context |= about(signature)
    if signature.status != SignatureStatus.WITHDRAWN:
        return page(request, "withdraw", **context)
    if is_open:
        context |= {"copies": copies_naming(signature), "mirrors": _mirrors_behind(signature)}
    return page(request, "withdrawn", status=status, **context)


def _mirrors_behind(signature: Signature) -> list[str]:
    """Where the name may still be read, if it ever was public."""
    events = dict(Event.objects.about(signature).values_list("target", "at"))
    if SignatureStatus.APPROVED not in events:
        return []
    withdrawn: datetime = events[SignatureStatus.WITHDRAWN]
    return [mirror.address for mirror in mirrors_behind(withdrawn) if mirror.address]
