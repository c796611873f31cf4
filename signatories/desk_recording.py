"""A signature that came by mail, messenger or telephone is written down."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import access_review, staff, staff_page
from letters.models import Letter
from letters.states import LetterStatus
from signatories.forms.recording import RecordForm
from signatories.services import recording
from signatories.services.signing import NotOpen


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_review)
def record(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; a secret that it leads to is shown once, on the page that answers it."""
    letter = get_object_or_404(Letter.objects.select_related("campaign"), slug=slug)
    if letter.status == LetterStatus.DRAFT:
        return _not_open(request, slug)
    form = RecordForm(request.POST if request.method == "POST" else None, letter=letter)
    if form.is_valid():
        stated = form.cleaned_data
        try:
            _signature, secret = recording.record(
                letter, stated["version"], form.signing(), via=stated["via"], shown=form.shown(), by=staff(request)
            )
        except NotOpen:
            return _not_open(request, slug)
        except recording.RecordedAlready:
            form.add_error("name", _("A signature of this organisation with this e-mail address is there already."))
        else:
            return _recorded(request, letter, stated["name"], secret)
    return render(request, "desk/record.html", {"letter": letter, "form": form}, status=422 if form.is_bound else 200)


def _recorded(request: HttpRequest, letter: Letter, name: str, secret: str) -> HttpResponse:
    if secret:
        return render(request, "desk/recorded.html", {"letter": letter, "name": name, "secret": secret})
    text = _("The signature of “%(name)s” is recorded. Another member of staff decides on it.")
    messages.success(request, text % {"name": name})
    return redirect("desk:letter", slug=letter.slug)


def _not_open(request: HttpRequest, slug: str) -> HttpResponse:
    messages.error(request, _("The letter was never open for signing, so there is no text to sign yet."))
    return redirect("desk:letter", slug=slug)
