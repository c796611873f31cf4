"""What the pages of those who sign have in common."""

from collections.abc import Callable
from email.utils import parseaddr
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language

from letters.models import Version
from publishing.pages import in_each_language
from signatories import links, queries, visits
from signatories.forms.changing import MailboxForm, SecretForm
from signatories.models import Signature
from signatories.states import SignatureStatus

View = Callable[..., HttpResponse]


def page(request: HttpRequest, name: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """A page of the signer, with its own address in the other languages. It names no letter, unless `context` does."""
    match = request.resolver_match
    assert match is not None
    context["alternates"] = in_each_language(match.view_name, **match.kwargs)
    return render(request, f"signatories/{name}.html", context, status=status)


def of_signature(view: View) -> View:
    """A page of one signature: reached by its link (`token`), or in a visit by its number (`pk`).

    The view gets the signature in place of these. What is withheld takes its secret, however it was reached.
    """

    @wraps(view)
    def reached(request: HttpRequest, *, token: str = "", pk: int = 0, **rest: Any) -> HttpResponse:
        signature = by_link("own", token) if token else _in_visit(request, pk)
        if signature is None:
            return page(request, "invalid" if token else "account", status=404, form=MailboxForm(), is_over=True)
        if signature.is_locked:
            return locked(request, signature)
        if not may_see(request, signature):
            return shut(request, signature)
        if signature.forgotten_at:
            return page(request, "forgotten", withdraw_path=_withdraw_path(signature))
        return view(request, signature, **rest)

    return reached


def by_link(purpose: str, token: str) -> Signature | None:
    """The signature whose link it is, for a purpose that does not expire."""
    try:
        return links.read(purpose, token)
    except links.Invalid:
        return None


def may_see(request: HttpRequest, signature: Signature) -> bool:
    """Whether a page that was reached by a link may say anything of the signature and of its letter."""
    return not signature.is_withheld or visits.is_open_to(request, signature)


def shut(request: HttpRequest, signature: Signature) -> HttpResponse:
    """Nothing but the way in, and the way out: to withdraw takes no secret."""
    context = {"form": SecretForm(), "contact": neutral_address(), "withdraw_path": _withdraw_path(signature)}
    return page(request, "shut", status=200 if request.method in ("GET", "HEAD") else 403, **context)


def locked(request: HttpRequest, signature: Signature) -> HttpResponse:
    """Whom to write to, and the button to withdraw."""
    contact = neutral_address() if signature.is_withheld else signature.letter.contact_email
    context = {"contact": contact, "withdraw_path": _withdraw_path(signature)}
    return page(request, "locked", status=403, **context)


def neutral_address() -> str:
    """To which those who are withheld can write."""
    return parseaddr(settings.NEUTRAL_FROM)[1]


def about(signature: Signature) -> dict[str, Any]:
    """A signature, the names that were stated, the one it goes by first, and the text that was signed."""
    own = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    codes = [own, *(code for code in settings.SHIPPED_LANGUAGES if code != own)]
    stated = [(code, getattr(signature, f"name_{code}")) for code in codes]
    return {
        "signature": signature,
        "letter": signature.letter,
        "names": [(code, name) for code, name in stated if name],
        "text": text_of(signature.version),
    }


def text_of(version: Version) -> dict[str, Any]:
    """In the reader's language."""
    return queries.text_of(version, get_language() or settings.LANGUAGE_CODE)


def own_address(request: HttpRequest) -> str:
    """Of the own page that a page stands behind, reached in the same way."""
    match = request.resolver_match
    assert match is not None
    return reverse(
        "signatures:own", kwargs={name: match.kwargs[name] for name in ("token", "pk") if name in match.kwargs}
    )


def _withdraw_path(signature: Signature) -> str:
    is_over = signature.status == SignatureStatus.WITHDRAWN
    return "" if is_over else links.path(signature, "withdraw")


def _in_visit(request: HttpRequest, pk: int) -> Signature | None:
    found = Signature.objects.select_related("letter__campaign", "version", "organisation").filter(pk=pk).first()
    return found if found and visits.is_open_to(request, found) else None
