"""A signer's own pages: the button that confirms, where the signature stands, and what can be changed about it."""

from typing import Any
from urllib.parse import urlsplit

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import back
from ledger.services import Overtaken
from signatories import links, services, visits
from signatories.forms.changing import CorrectionForm, HandoverForm, LanguageForm, SecretForm
from signatories.models import Correction, Handover, Signature
from signatories.services.secrets import secret_index
from signatories.states import CorrectionStatus, HandoverStatus, SignatureStatus
from signatories.views.consent import needs_renewal, version_shown, what_changed
from signatories.views.pages import about, locked, may_see, neutral_address, of_signature, own_address, page


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """What is to be confirmed, and the button; only the button confirms. Of what is withheld, the button alone."""
    try:
        signature = links.read("confirm", token)
    except links.Expired:
        return page(request, "expired", status=410)
    except links.Invalid:
        return page(request, "invalid", status=404)
    if signature.is_locked:
        return locked(request, signature)
    changed = False
    if request.method == "POST":
        try:
            is_open = may_see(request, signature)
            if not is_open and services.is_stated_again(signature):
                raise services.Changed
            text = version_shown(request, signature.letter) if is_open else None
            services.confirm(signature, shown=request.POST.get("shown", ""), version=text)
            return redirect(request.path)
        except services.Changed:
            changed = True
            signature.refresh_from_db()
        except services.NotOpen:
            pass
    return _to_confirm(request, signature, changed=changed)


def _to_confirm(request: HttpRequest, signature: Signature, *, changed: bool) -> HttpResponse:
    is_open = may_see(request, signature)
    waits = signature.status == SignatureStatus.UNCONFIRMED
    stated_again = waits and services.is_stated_again(signature)
    context: dict[str, Any] = {
        "state": signature.status,
        "waits": waits,
        "changed": changed,
        "is_open": is_open,
        "takes_secret": not is_open and stated_again,
        "stated_again": stated_again,
        "shown": services.fingerprint(signature),
        "newer": what_changed(signature).get("newer") if waits else None,
        **(what_changed(signature) if waits and is_open else {}),
        **(about(signature) if is_open else {"form": SecretForm()}),
    }
    if waits and not signature.letter.takes_signatures:
        contact = signature.letter.contact_email if is_open else neutral_address()
        return page(request, "confirm", status=410, closed=True, contact=contact, **context)
    return page(request, "confirm", status=409 if changed else 200, **context)


@require_safe
@of_signature
def own(request: HttpRequest, signature: Signature) -> HttpResponse:
    """Where one's signature stands, what is recorded, and what can be done."""
    correction = signature.corrections.filter(status=CorrectionStatus.PENDING).first()
    context = {
        **about(signature),
        "can_change": signature.status in services.STANDING,
        "needs_renewal": needs_renewal(signature),
        "correction": correction,
        "corrected": _corrected(correction),
        "handover": signature.handovers.filter(status=HandoverStatus.OFFERED).first(),
        "language_form": LanguageForm(initial={"language": signature.language}),
        "withdraw_path": links.path(signature, "withdraw"),
        "answer_path": links.path(signature, "answer"),
        "in_visit": visits.is_on(request),
        "has_list": visits.has_code(request),
    }
    return page(request, "own", **context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_signature
def correct(request: HttpRequest, signature: Signature) -> HttpResponse:
    """Other words for what is recorded. They go to the staff; until they are accepted, nothing changes."""
    form = CorrectionForm(request.POST if request.method == "POST" else None, signature=signature)
    if signature.status not in services.STANDING:
        return redirect(own_address(request))
    if form.is_valid():
        try:
            services.correct(signature, changes=form.changes())
        except services.NothingChanged:
            form.add_error(None, _("Nothing here differs from what is recorded. Change what is wrong."))
        except services.NotStanding:
            return redirect(own_address(request))
        else:
            return redirect(own_address(request))
    return _form(request, "correct", signature, form)


@require_http_methods(["GET", "HEAD", "POST"])
@of_signature
def hand_over(request: HttpRequest, signature: Signature) -> HttpResponse:
    """To another representative, who is asked by mail."""
    form = HandoverForm(request.POST if request.method == "POST" else None, signature=signature)
    if signature.status not in services.STANDING:
        return redirect(own_address(request))
    if form.is_valid():
        try:
            services.hand_over(signature, **form.cleaned_data)
        except services.MailedEnough:
            form.add_error("email", _("We have mailed this address three times today. Try again tomorrow."))
        except services.NotStanding:
            return redirect(own_address(request))
        else:
            return redirect(own_address(request))
    return _form(request, "hand_over", signature, form)


@require_POST
@of_signature
def take_back(request: HttpRequest, signature: Signature) -> HttpResponse:
    """The person who was asked to take over need not answer any more."""
    services.take_back(signature)
    return redirect(own_address(request))


@require_POST
@of_signature
def language(request: HttpRequest, signature: Signature) -> HttpResponse:
    """In which language we write from now on."""
    form = LanguageForm(request.POST)
    if form.is_valid():
        services.choose_language(signature, form.cleaned_data["language"])
    return redirect(own_address(request))


@require_http_methods(["GET", "HEAD", "POST"])
def take_over(request: HttpRequest, token: str) -> HttpResponse:
    """The new representative sees what it is about, and says yes. The earlier one's links are dead then."""
    try:
        handover = links.read_handover(token)
    except links.Expired:
        return page(request, "expired", status=410)
    except links.Invalid:
        return page(request, "invalid", status=404)
    signature = handover.signature
    if signature.is_locked:
        return locked(request, signature)
    if not may_see(request, signature):
        return page(request, "shut", form=SecretForm(), contact=neutral_address(), is_handover=True)
    if request.method == "POST":
        return _taken_over(request, handover)
    return page(request, "take_over", handover=handover, **about(signature))


def _taken_over(request: HttpRequest, handover: Handover) -> HttpResponse:
    try:
        secret = services.take_over(handover)
    except (services.NotStanding, Overtaken):
        return page(request, "invalid", status=404)
    except services.SignedAlready:
        return page(request, "take_over", status=409, twice=True, handover=handover, **about(handover.signature))
    return page(request, "taken_over", secret=secret, own_path=links.path(handover.signature, "own"))


@require_http_methods(["GET", "HEAD", "POST"])
def secret(request: HttpRequest) -> HttpResponse:
    """The way to a withheld signature. Attempts are counted by visitor, without keeping who that is."""
    form = SecretForm(request.POST if request.method == "POST" else None)
    context = {"form": form, "contact": neutral_address(), "next": back(request, "")}
    if not form.is_valid():
        return page(request, "secret", status=422 if form.is_bound else 200, **context)
    if not ratelimit.consume(request, action="signer_secret"):
        return page(request, "secret", status=429, too_many=True, **context)
    index = secret_index(form.cleaned_data["secret"])
    found = Signature.objects.filter(secret_index=index).exclude(secret_index="").first()
    if found is None or not found.is_withheld or not _opens(found, back(request, "")):
        return page(request, "secret", status=422, is_wrong=True, **context)
    visits.open_by_secret(request, index)
    return redirect(back(request, reverse("signatures:own", kwargs={"pk": found.pk})))


def _opens(signature: Signature, leads_to: str) -> bool:
    """Whether the right secret is enough. Until it is confirmed, it takes the mailed link, too.

    Otherwise whoever fills in the form in another's name would see at once whether that one has signed: only where
    there was no signature before does the new secret become that of one.
    """
    if signature.status != SignatureStatus.UNCONFIRMED:
        return True
    try:
        match = resolve(urlsplit(leads_to).path)
        return match.view_name == "signatures:confirm" and links.read("confirm", match.kwargs["token"]) == signature
    except (Resolver404, links.Invalid, links.Expired):
        return False


def _form(request: HttpRequest, name: str, signature: Signature, form: Any) -> HttpResponse:
    status = 422 if form.is_bound else 200
    return page(request, name, status=status, form=form, own_address=own_address(request), **about(signature))


def _corrected(correction: Correction | None) -> list[tuple[str, str]]:
    """What is asked for, by what it is."""
    if correction is None:
        return []
    form = CorrectionForm(signature=correction.signature)
    labels = {column: str(form.fields[name].label) for name, column in form.columns.items()}
    return [(labels[column], new) for column, (_old, new) in correction.changes.items() if column in labels]
