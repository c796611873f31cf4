"""Staff decide on signatures, and decide otherwise later: each time for what stood there when they looked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import access_review, back, staff, staff_page
from ledger.models import Event
from ledger.services import IllegalMove, Overtaken
from signatories import services
from signatories.countries import country_name
from signatories.lookalikes import foreign_letters
from signatories.models import Signature
from signatories.states import SignatureStatus

A_PAGE = 100

# In two words for whoever decides; the signer is told in a sentence.
REASONS: dict[str, Promise] = {
    Signature.Reason.AUTHORITY: gettext_lazy("No authority shown"),
    Signature.Reason.UNKNOWN: gettext_lazy("Unknown organisation"),
    Signature.Reason.DUPLICATE: gettext_lazy("Has signed already"),
    Signature.Reason.SCOPE: gettext_lazy("Not an organisation"),
}


@dataclass(frozen=True)
class Row:
    """A signature as the desk lists it."""

    signature: Signature
    country: str
    other_names: list[tuple[str, str]]
    foreign_letters: list[tuple[str, Promise]]
    withdrawn_at: datetime | None

    @property
    def name(self) -> str:
        return own_name(self.signature)

    @property
    def shown(self) -> str:
        return shown(self.signature)


def rows(signatures: Iterable[Signature]) -> list[Row]:
    language = get_language() or settings.LANGUAGE_CODE
    listed = list(signatures)
    withdrawn = _withdrawn_at(listed)
    return [
        Row(
            signature=signature,
            country=country_name(signature.country, language),
            other_names=_other_names(signature),
            foreign_letters=foreign_letters(*_names(signature)),
            withdrawn_at=withdrawn.get(signature.pk),
        )
        for signature in listed
    ]


def own_name(signature: Signature) -> str:
    """What the organisation calls itself, whatever the reader's language."""
    name: str = getattr(signature, f"name_{settings.MODELTRANSLATION_DEFAULT_LANGUAGE}")
    return name


def shown(signature: Signature) -> str:
    """What a decision goes back with: it holds for this statement, and for the decision that it overturns, if any."""
    stated = services.fingerprint(signature)
    return f"{stated} {signature.decided_at.isoformat()}" if signature.decided_at else stated


def a_page(signatures: QuerySet[Signature], number: str | None) -> Page[Signature]:
    """A page of the list; the nearest one where there is no such number."""
    return Paginator(signatures.select_related("letter", "decided_by"), A_PAGE).get_page(number)


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


def _decide(request: HttpRequest, pk: int, decide: Callable[[Signature], str]) -> HttpResponse:
    signature: Signature = get_object_or_404(Signature.objects.select_related("letter"), pk=pk)
    try:
        if shown(signature) != request.POST.get("shown"):
            raise Overtaken
        messages.success(request, decide(signature) % {"name": own_name(signature)})
    except (Overtaken, IllegalMove):
        messages.warning(request, _what_happened(Signature.objects.select_related("decided_by").get(pk=pk)))
    except services.AlreadyApproved:
        text = _("“%(name)s” stands under this letter already, by another signature. This one can only be rejected.")
        messages.error(request, text % {"name": own_name(signature)})
    except services.EarlierText:
        text = _(
            "“%(name)s” signed an earlier text, whose meaning is not that of the letter now. It can be approved once"
            " its signatory has kept the signature under the new one."
        )
        messages.error(request, text % {"name": own_name(signature)})
    return redirect(back(request, reverse("desk:home")))


def _what_happened(signature: Signature) -> str:
    """Who was faster. A decision made before the signer withdrew and signed anew is not the one that counts."""
    texts = {
        SignatureStatus.APPROVED: _("“%(name)s” has already been approved, by %(who)s on %(when)s."),
        SignatureStatus.REJECTED: _("“%(name)s” has already been rejected, by %(who)s on %(when)s."),
        SignatureStatus.WITHDRAWN: _("“%(name)s” has been withdrawn by the signatory. There is nothing to decide."),
    }
    changed = _("The signatory “%(name)s” has changed its statement. Look at it again before you decide.")
    return texts.get(SignatureStatus(signature.status), changed) % {
        "name": own_name(signature),
        "who": signature.decided_by,
        "when": date_format(signature.decided_at, "DATETIME_FORMAT") + " UTC" if signature.decided_at else "",
    }


def _other_names(signature: Signature) -> list[tuple[str, str]]:
    named = zip(settings.SHIPPED_LANGUAGES, _names(signature), strict=True)
    return [(language, name) for language, name in named if name and name != own_name(signature)]


def _names(signature: Signature) -> list[str]:
    return [getattr(signature, f"name_{language}") for language in settings.SHIPPED_LANGUAGES]


def _withdrawn_at(signatures: list[Signature]) -> dict[int, datetime]:
    """When those that are withdrawn were: the signer's own doing is in the event log alone."""
    withdrawn = [signature.pk for signature in signatures if signature.status == SignatureStatus.WITHDRAWN]
    if not withdrawn:
        return {}
    events = Event.objects.filter(table=Signature._meta.label_lower, row__in=withdrawn)
    return dict(events.filter(target=SignatureStatus.WITHDRAWN).order_by("pk").values_list("row", "at"))
