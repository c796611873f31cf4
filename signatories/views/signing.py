"""The form to sign a letter, on its own address."""

from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from letters.models import Letter
from letters.queries import as_it_stands
from publishing.pages import in_each_language
from signatories import links
from signatories.services import guard
from signatories.views.filling import fill_in, may_ask_for_challenge


@may_ask_for_challenge  # type: ignore[arg-type] # views take what the address holds, too
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: HttpRequest, slug: str) -> HttpResponse:
    """The form to co-sign. What follows a valid one is the same for a known and an unknown address."""
    version = as_it_stands(slug)
    if version is None or not version.letter.is_public:
        raise Http404
    show = partial(_page, request, letter=version.letter)
    sent = reverse("signatories:sent", kwargs={"slug": slug})
    return fill_in(request, version, show=show, sent=sent, is_guarded=guard.is_guarded(version.letter))


@require_safe
def sent(request: HttpRequest, slug: str) -> HttpResponse:
    """Look into your mailbox: the same words, whoever comes here."""
    return _page(request, "sent", letter=_letter(slug), days=links.CONFIRM_WITHIN.days)


@require_safe
def challenge(request: HttpRequest, slug: str) -> HttpResponse:
    """A puzzle for the browser of whoever signs while the form is guarded."""
    return JsonResponse(guard.challenge(_letter(slug)))


def _letter(slug: str) -> Letter:
    letter: Letter = get_object_or_404(Letter.objects.public(), slug=slug)
    return letter


def _page(request: HttpRequest, name: str, /, *, status: int = 200, **context: Any) -> HttpResponse:
    """A page of the signer, with its own address in the other languages."""
    match = request.resolver_match
    assert match is not None
    context |= {"alternates": in_each_language(match.view_name, **match.kwargs)}
    return render(request, f"signatories/{name}.html", context, status=status)
