"""The text has changed: what is different, and the button to keep the signature. And the end of reminders."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods

from letters.differences import differences
from letters.models import Letter, Version
from signatories import links, services
from signatories.models import Signature
from signatories.queries import reasons
from signatories.states import SignatureStatus
from signatories.views.pages import about, of_signature, own_address, page, text_of


@require_http_methods(["GET", "HEAD", "POST"])
@of_signature
def keep(request: HttpRequest, signature: Signature) -> HttpResponse:
    """Old and new side by side, and two buttons; only the buttons do anything."""
    if request.method != "POST":
        return _keep(request, signature)
    shown = version_shown(request, signature.letter)
    try:
        if shown is None:
            raise services.Changed
        services.keep(signature, version=shown)
    except services.Changed:
        return _keep(request, signature, status=409, changed=True)
    except services.AlreadyApproved:
        return _keep(request, signature, status=409, twice=True)
    except services.NotStanding:
        pass
    return redirect(own_address(request))


@require_http_methods(["GET", "HEAD", "POST"])
def no_reminders(request: HttpRequest, token: str) -> HttpResponse:
    """One button. It says nothing of letter or signature, and works as long as there is one."""
    try:
        signature = links.read("no_reminders", token)
    except (links.Invalid, links.Expired):
        return page(request, "invalid", status=404)
    if request.method == "POST":
        services.stop_reminders(signature)
        return redirect(request.path)
    return page(request, "no_reminders", is_done=signature.no_reminders)


def version_shown(request: HttpRequest, letter: Letter) -> Version | None:
    """The text that the page with the button showed."""
    number = request.POST.get("version", "")
    return (
        letter.versions.filter(number=int(number)).first()
        if number.isascii() and number.isdigit() and len(number) < 9
        else None
    )


def needs_renewal(signature: Signature) -> bool:
    """Whether the signer is to say if the signature holds for the text as it is now."""
    is_earlier = signature.version.number < signature.letter.binding_number
    return signature.status in services.STANDING and is_earlier


def what_changed(signature: Signature) -> dict[str, Any]:
    """Since the version that was signed: why, and what is different. Nothing where the meaning is the same."""
    letter = signature.letter
    if signature.version.number >= letter.binding_number:
        return {}
    latest = letter.version
    language = get_language() or settings.LANGUAGE_CODE
    return {
        "newer": latest,
        "newer_text": text_of(latest),
        "reasons": reasons(letter, since=signature.version, language=language),
        "differences": differences(text_of(signature.version), text_of(latest)),
        "keep_until": letter.versions.get(number=letter.binding_number).keep_until,
    }


def _keep(request: HttpRequest, signature: Signature, *, status: int = 200, **context: Any) -> HttpResponse:
    if not needs_renewal(signature):
        return redirect(own_address(request))
    changes = what_changed(signature)
    context |= {
        **about(signature),
        **changes,
        "is_late": changes["keep_until"] < timezone.now().date(),
        "has_lapsed": signature.status == SignatureStatus.LAPSED,
        "withdraw_path": links.path(signature, "withdraw"),
        "own_address": own_address(request),
    }
    return page(request, "keep", status=status, **context)
