"""The signer's pages: the form, the button that confirms, and the page that shows where the signature stands."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from letters.models import Letter
from publishing.pages import in_each_language
from signatories import links, services
from signatories.forms import SignForm


@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: HttpRequest, slug: str) -> HttpResponse:
    """The form to co-sign. What follows a valid one is the same for a known and an unknown address."""
    letter = _letter(slug)
    if not letter.takes_signatures:
        return _closed(request, letter)
    form = SignForm(request.POST if request.method == "POST" else None, letter=letter)
    if form.is_valid():
        try:
            services.sign(letter, form.cleaned_data["version"], form.signing())
        except services.NotOpen:
            return _closed(request, letter)
        return redirect("signatories:sent", slug=letter.slug)
    text = form.latest.text(get_language() or settings.LANGUAGE_CODE)
    status = 422 if form.is_bound else 200
    return _page(request, "sign", letter, status=status, form=form, version=form.latest, text=text)


@require_safe
def sent(request: HttpRequest, slug: str) -> HttpResponse:
    """Look into your mailbox: the same words, whoever comes here."""
    return _page(request, "sent", _letter(slug), days=links.CONFIRM_WITHIN.days)


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
