"""A returning organisation: a code by e-mail, the list of what it signed, and another letter with one button."""

from typing import Any

from allauth.core import ratelimit
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from letters.models import Letter
from letters.states import LetterStatus
from signatories import emails, services, visits
from signatories.folding import mailbox
from signatories.forms.changing import CodeForm, CoSignForm, MailboxForm
from signatories.models import Signature
from signatories.services import Signing
from signatories.states import SignatureStatus
from signatories.views.consent import needs_renewal
from signatories.views.pages import about, of_signature, own_address, page, text_of

NOT_TAKEN_UP = (SignatureStatus.UNCONFIRMED, SignatureStatus.REJECTED)  # no statement to sign another letter with


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """What was signed, for whoever has entered a code; for all others, the way to one."""
    if request.method == "POST":
        return _ask_for_code(request)
    if visits.has_code(request):
        return _list(request)
    return page(request, "account", form=MailboxForm())


def _ask_for_code(request: HttpRequest) -> HttpResponse:
    """The answer, and all that is asked of the database, is the same for a known and an unknown address."""
    form = MailboxForm(request.POST)
    if not form.is_valid():
        return page(request, "account", status=422, form=form)
    typed = form.cleaned_data["email"]
    box = mailbox(typed)
    if not ratelimit.consume(request, action="signer_code"):
        return page(request, "account", status=429, form=form, too_many=True)
    listed = visits.listed_under(box)
    to = next((signature.email for signature in listed if signature.email.casefold() == typed.casefold()), "")
    to = to or (listed[0].email if listed else typed)  # what was typed may be a variant that is somebody else's
    return _mail_code(request, box, to, listed)


@require_POST
@of_signature
def code_by_link(request: HttpRequest, signature: Signature) -> HttpResponse:
    """For whoever holds a link that we mailed: strangers who ask for codes to the same mailbox can't use these up."""
    if signature.is_withheld:
        return redirect(own_address(request))
    return _mail_code(request, signature.mailbox, signature.email, visits.listed_under(signature.mailbox), by_link=True)


def _mail_code(
    request: HttpRequest, box: str, to: str, listed: list[Signature], *, by_link: bool = False
) -> HttpResponse:
    code = visits.new_code(request)
    is_demonstration = bool(listed) and all(signature.letter.is_demonstration for signature in listed)
    language = get_language() or settings.LANGUAGE_CODE
    known = code if listed else ""
    if emails.code(known, mailbox=box, to=to, language=language, is_demonstration=is_demonstration, by_link=by_link):
        visits.expect_code(request, code, to)
    elif visits.expected_mailbox(request) != box:
        visits.expect_code(request, visits.new_code(request), to)  # one that nobody has; an earlier one goes on working
    return redirect("signatures:code")


@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Where the code is entered, in the browser that asked for it."""
    expected = visits.expected_mailbox(request)
    if not expected:
        return redirect("signatures:account")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return page(request, "code", status=422 if form.is_bound else 200, form=form)
    if not ratelimit.consume(request, action="signer_code_entry", key=visits.expected_code(request)):
        return page(request, "code", status=429, form=form, too_many=True)
    if visits.enter_code(request, form.cleaned_data["code"]):
        services.has_read(expected)
        return redirect("signatures:account")
    if not visits.expected_mailbox(request):
        return page(request, "account", status=422, form=MailboxForm(), is_void=True)
    form.add_error("code", _("This is not the code from our mail. Look at it again."))
    return page(request, "code", status=422, form=form)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    visits.end(request)
    return redirect("signatures:account")


@require_http_methods(["GET", "HEAD", "POST"])
@of_signature
def co_sign(request: HttpRequest, signature: Signature, *, slug: str) -> HttpResponse:
    """Sign another letter with what was stated last: its text, two ticks and a button. The mailbox is proven."""
    letter = get_object_or_404(Letter.objects.public().select_related("campaign"), slug=slug)
    if not letter.takes_signatures:
        return page(request, "closed", status=410, letter=letter)
    form = CoSignForm(request.POST if request.method == "POST" else None, latest=letter.version)
    if form.is_valid():
        try:
            signed = services.sign(letter, form.cleaned_data["version"], _again(signature), is_proven=True)
        except services.NotOpen:
            return page(request, "closed", status=410, letter=letter)
        except services.Changed:  # the text, at this moment
            return redirect(request.path)
        return redirect("signatures:own", pk=signed.pk)
    context: dict[str, Any] = {**about(signature), "letter": letter, "version": form.latest}
    context |= {"text": text_of(form.latest), "form": form}
    return page(request, "co_sign", status=422 if form.is_bound else 200, **context)


def _list(request: HttpRequest) -> HttpResponse:
    signatures = visits.signatures(request)
    to_renew = {signature.pk for signature in signatures if needs_renewal(signature)}
    return page(request, "list", signatures=signatures, open_to=_open_to(signatures), to_renew=to_renew)


def _open_to(signatures: list[Signature]) -> list[tuple[Signature, list[Letter]]]:
    """The letters that each organisation could sign now, and the signature that its statement is taken from."""
    letters = [letter for letter in Letter.objects.public().filter(status=LetterStatus.OPEN) if letter.takes_signatures]
    signed = {
        (signature.letter_id, signature.folded_name)
        for signature in signatures
        if signature.status != SignatureStatus.WITHDRAWN
    }
    latest: dict[str, Signature] = {}
    for signature in signatures:
        if signature.status not in NOT_TAKEN_UP and signature.kind == Signature.Kind.ORGANISATION:
            latest.setdefault(signature.folded_name, signature)
    offered = [
        (signature, [letter for letter in letters if (letter.pk, name) not in signed])
        for name, signature in latest.items()
    ]
    return [(signature, free) for signature, free in offered if free]


def _again(signature: Signature) -> Signing:
    """What was stated last, as if it were typed again."""
    own = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    names = {code: getattr(signature, f"name_{code}") for code in settings.SHIPPED_LANGUAGES if code != own}
    fields = ("visibility", "country", "website", "representative", "role", "email", "language")
    stated = {field: getattr(signature, field) for field in fields}
    return Signing(name=getattr(signature, f"name_{own}"), names=names, **stated)
