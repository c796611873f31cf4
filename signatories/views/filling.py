"""The form to sign and what follows it, wherever it is opened: on the letter's own address or behind an invitation."""

from typing import Any, Protocol

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language

from letters.models import Letter, Version
from signatories import services
from signatories.forms import SignForm
from signatories.links import CONFIRM_WITHIN
from signatories.models import Invitation
from signatories.services import guard
from signatories.services.secrets import secret_of


class Show(Protocol):
    """Renders a page of whoever opened the form, by the name of its template."""

    def __call__(self, name: str, /, *, status: int = 200, **context: Any) -> HttpResponse: ...


# The script of a guarded form asks for its challenge.
may_ask_for_challenge = csp_update({"connect-src": [SELF]})


def fill_in(
    request: HttpRequest,
    version: Version,
    *,
    show: Show,
    sent: str,
    is_guarded: bool = False,
    invitation: Invitation | None = None,
    initial: dict[str, Any] | None = None,
) -> HttpResponse:
    """The form, or what follows a valid one: the same for a known and an unknown address. `sent` is that page's path.

    `version` is the text as it stands.     Whoever is withheld is shown the secret at once, and never again.
    """
    letter = version.letter
    if not letter.takes_signatures:
        return show("closed", status=410)
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    form = SignForm(*posted, latest=version, is_guarded=is_guarded, initial=initial)
    if form.is_valid():
        try:
            secret = _sign(letter, form, invitation)
        except services.NotOpen:
            return show("closed", status=410)
        except guard.Unproven:  # somebody was faster with the same one
            form.refuse_proof()
        else:
            return show("sent", days=CONFIRM_WITHIN.days, secret=secret) if secret else redirect(sent)
    text = version.text(get_language() or settings.LANGUAGE_CODE)
    return show("sign", status=422 if form.is_bound else 200, form=form, version=version, text=text)


def _sign(letter: Letter, form: SignForm, invitation: Invitation | None) -> str:
    stated = form.cleaned_data
    secret = secret_of(stated["seed"] or "") if form.is_withheld else ""
    services.sign(
        letter,
        stated["version"],
        form.signing(),
        logo=form.picture,
        invitation=invitation,
        secret=secret,
        proof=stated["proof"],
    )
    return secret
