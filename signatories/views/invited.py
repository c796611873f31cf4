"""What those see who are asked to sign: the letter, also before it is public, and the ways to answer."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from letters.models import Version
from publishing.pages import in_each_language
from signatories import invited_links as links
from signatories.invited_links import Opened
from signatories.links import CONFIRM_WITHIN
from signatories.models import Invitation
from signatories.queries import signatory_count
from signatories.services import answering, objecting
from signatories.services.inviting import own_name
from signatories.views.filling import fill_in

View = Callable[..., HttpResponse]


def opened(view: View) -> View:
    """A page behind a link that still opens something; the view gets what it opens."""

    @wraps(view)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        try:
            return view(request, token, links.read(token))
        except links.NoSuchLink:
            return _page(request, "invited_gone", status=404, taken_back=False)
        except links.TakenBack:
            return _page(request, "invited_gone", status=410, taken_back=True)
        except Version.DoesNotExist:
            return _page(request, "invited_gone", status=404, taken_back=False)

    return guarded


@require_safe
@opened
def invited(request: HttpRequest, token: str, what: Opened) -> HttpResponse:
    """The letter. No names of signatories: before it is public, they are nobody's but the desk's to see."""
    letter = what.letter
    context: dict[str, Any] = {
        "letter": letter,
        "text": letter.version.text(get_language() or settings.LANGUAGE_CODE),
        "count": signatory_count(letter),
        "token": token,
        "invitation": what.invitation,
        "is_public": letter.is_public,
    }
    return _page(request, "invited", **context)


@require_http_methods(["GET", "HEAD", "POST"])
@opened
def sign(request: HttpRequest, token: str, what: Opened) -> HttpResponse:
    """The form, with what we know of the invited organisation filled in."""
    path = reverse("invited", args=[token])
    return fill_in(
        request,
        what.letter.version,
        show=partial(_page, request, letter=what.letter, letter_path=path),
        sent=reverse("invited_sent", args=[token]),
        invitation=what.invitation,
        initial=known_of(what.invitation) if what.invitation else None,
    )


@require_safe
@opened
def sent(request: HttpRequest, token: str, what: Opened) -> HttpResponse:
    """Look into your mailbox: the same words, whoever comes here."""
    path = reverse("invited", args=[token])
    return _page(request, "sent", letter=what.letter, letter_path=path, days=CONFIRM_WITHIN.days)


def known_of(invitation: Invitation) -> dict[str, Any]:
    """What the form can be filled in with; the signer looks over it."""
    organisation = invitation.organisation
    if organisation is None:
        return {"name": invitation.name}
    names = {f"name_{code}": getattr(organisation, f"name_{code}") for code in settings.SHIPPED_LANGUAGES}
    stated = {"name": own_name(organisation), "country": organisation.country, "website": organisation.website}
    return {**names, **stated}


@require_POST
@opened
def decline(request: HttpRequest, token: str, what: Opened) -> HttpResponse:
    """ "We will not sign"."""
    if what.invitation:
        answering.decline(what.invitation)
    return redirect("invited_answered", token=token)


@require_POST
@opened
def stop_mails(request: HttpRequest, token: str, what: Opened) -> HttpResponse:
    """ "This is not us": no mails of this kind any more."""
    if what.invitation:
        answering.stop_mails(what.invitation)
    return redirect("invited_answered", token=token)


@require_safe
@opened
def answered(request: HttpRequest, token: str, what: Opened) -> HttpResponse:
    """The same words for every answer: they tell nobody whether the organisation has signed."""
    return _page(request, "invited_answered", letter=what.letter, token=token)


@require_http_methods(["GET", "HEAD", "POST"])
def not_us(request: HttpRequest, token: str) -> HttpResponse:
    """Somebody signed in an organisation's name; the button says that it was not the organisation."""
    try:
        signature = links.read_not_us(token)
    except links.NoSuchLink:
        return _page(request, "not_us_gone", status=404)
    if not objecting.may_be_objected_to(signature):
        return _page(request, "not_us_gone", status=404)
    if request.method == "POST":
        objecting.object_to(signature)
        return redirect("not_us", token=token)
    organisation = objecting.spoken_for(signature)
    context: dict[str, Any] = {
        "letter": signature.letter,
        "signature": signature,
        "organisation_name": own_name(organisation) if organisation else "",
        "is_public": signature.letter.is_public,
    }
    return _page(request, "not_us", **context)


def _page(request: HttpRequest, name: str, *, status: int = 200, **context: Any) -> HttpResponse:
    match = request.resolver_match
    assert match is not None
    context["alternates"] = in_each_language(match.view_name, **match.kwargs)
    response = render(request, f"signatories/{name}.html", context, status=status)
    response["X-Robots-Tag"] = "noindex"
    return response
