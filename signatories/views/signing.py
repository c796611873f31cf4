"""The signer's pages: the form, the button that confirms, and the page that shows where the signature stands."""

from typing import Any

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from letters.differences import differences
from letters.models import Letter
from publishing.pages import in_each_language
from signatories import links, services
from signatories.forms import SignForm
from signatories.services import guard
from signatories.services.secrets import secret_of


@csp_update({"connect-src": [SELF]})  # type: ignore[arg-type] # the script of a guarded form asks for its challenge
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: HttpRequest, slug: str) -> HttpResponse:
    """The form to co-sign. What follows a valid one is the same for a known and an unknown address."""
    letter = _letter(slug)
    if not letter.takes_signatures:
        return _closed(request, letter)
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    form = SignForm(*posted, letter=letter, is_guarded=guard.is_guarded(letter))
    if form.is_valid():
        try:
            return _signed(request, letter, form)
        except services.NotOpen:
            return _closed(request, letter)
        except guard.Unproven:  # somebody was faster with the same one
            form.refuse_proof()
    return _form(request, letter, form)


@require_safe
def sent(request: HttpRequest, slug: str) -> HttpResponse:
    """Look into your mailbox: the same words, whoever comes here."""
    return _page(request, "sent", _letter(slug), days=links.CONFIRM_WITHIN.days)


@require_safe
def challenge(request: HttpRequest, slug: str) -> HttpResponse:
    """A puzzle for the browser of whoever signs while the form is guarded."""
    return JsonResponse(guard.challenge(_letter(slug)))


def _signed(request: HttpRequest, letter: Letter, form: SignForm) -> HttpResponse:
    """Take the signature. Whoever is withheld is shown the secret here and now, and never again."""
    secret = secret_of(form.cleaned_data["seed"] or "") if form.is_withheld else ""
    services.sign(
        letter,
        form.cleaned_data["version"],
        form.signing(),
        logo=form.picture,
        secret=secret,
        proof=form.cleaned_data["proof"],
    )
    if not secret:
        return redirect("signatories:sent", slug=letter.slug)
    return _page(request, "sent", letter, days=links.CONFIRM_WITHIN.days, secret=secret)


def _form(request: HttpRequest, letter: Letter, form: SignForm) -> HttpResponse:
    """With what changed since it was opened, if anything did."""
    language = get_language() or settings.LANGUAGE_CODE
    text = form.latest.text(language)
    changes = differences(form.read.content.get(language, {}), text) if form.read else []
    status = 422 if form.is_bound else 200
    return _page(request, "sign", letter, status=status, form=form, version=form.latest, text=text, changes=changes)


def _letter(slug: str) -> Letter:
    letter: Letter = get_object_or_404(Letter.objects.public().select_related("campaign"), slug=slug)
    return letter


def _closed(request: HttpRequest, letter: Letter) -> HttpResponse:
    return _page(request, "closed", letter, status=410)


def _page(request: HttpRequest, name: str, letter: Letter, *, status: int = 200, **context: Any) -> HttpResponse:
    """A page of the signer, with its own address in the other languages."""
    match = request.resolver_match
    assert match is not None
    context |= {"letter": letter, "alternates": in_each_language(match.view_name, **match.kwargs)}
    return render(request, f"signatories/{name}.html", context, status=status)
