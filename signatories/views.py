"""The signer's pages: the form, the button that confirms, and the page that shows where the signature stands."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from letters.models import Letter
from signatories import links, services
from signatories.forms import SignForm
from signatories.models import Signature


def _letter(slug: str) -> Letter:
    try:
        return Letter.objects.public().select_related("campaign").get(slug=slug)
    except Letter.DoesNotExist:
        raise Http404 from None


@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: HttpRequest, slug: str) -> HttpResponse:
    """The form to co-sign. What follows a valid one is the same for a known and an unknown address."""
    letter = _letter(slug)
    if not letter.takes_signatures:
        return _closed(request, letter)
    form = SignForm(request.POST or None, letter=letter)
    if request.method == "POST" and form.is_valid():
        try:
            services.sign(letter, form.cleaned_data["version"], form.signing())
        except services.NotOpen:
            return _closed(request, letter)
        return redirect("signatories:sent", slug=letter.slug)
    text = letter.version.text(get_language() or "")
    context = {"letter": letter, "form": form, "text": text}
    return render(request, "signatories/sign.html", context, status=422 if form.is_bound else 200)


@require_safe
def sent(request: HttpRequest, slug: str) -> HttpResponse:
    """Look into your mailbox: the same words, whoever comes here."""
    context = {"letter": _letter(slug), "days": links.CONFIRM_WITHIN.days}
    return render(request, "signatories/sent.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """What is to be confirmed, and the button; only the button confirms."""
    letter = _letter(slug)
    try:
        signature = links.read(letter, "confirm", token)
    except links.Expired:
        return render(request, "signatories/expired.html", {"letter": letter}, status=410)
    except links.Invalid:
        return render(request, "signatories/invalid.html", {"letter": letter}, status=404)
    changed = False
    if request.method == "POST":
        try:
            services.confirm(signature, shown=request.POST.get("shown", ""))
            return redirect("signatories:confirm", slug=slug, token=token)
        except services.NotOpen:
            return _closed(request, letter)
        except services.Changed:
            changed = True
            signature = links.read(letter, "confirm", token)
    context = {
        "letter": letter,
        "signature": signature,
        "shown": services.fingerprint(signature),
        "changed": changed,
        "waits": signature.status == signature.machine.initial,
    }
    return render(request, "signatories/confirm.html", context, status=409 if changed else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def own(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Where one's signature stands, and the button to withdraw it."""
    letter = _letter(slug)
    try:
        signature = links.read(letter, "own", token)
    except links.Invalid:
        return render(request, "signatories/invalid.html", {"letter": letter}, status=404)
    if request.method == "POST":
        _withdraw(signature)
        return redirect("signatories:own", slug=slug, token=token)
    return render(request, "signatories/own.html", {"letter": letter, "signature": signature})


def _withdraw(signature: Signature) -> None:
    """Whatever staff decided a moment before: the signer's withdrawal holds."""
    while True:
        try:
            return services.withdraw(signature)
        except services.Overtaken:
            signature.refresh_from_db()


def _closed(request: HttpRequest, letter: Letter) -> HttpResponse:
    return render(request, "signatories/closed.html", {"letter": letter}, status=410)
