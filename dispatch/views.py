"""Checking a copy, and hearing a provider.

Whoever holds a PDF, or only its checksum, learns whether it is ours and unchanged.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.uploads import keep_in_memory
from dispatch import verification
from dispatch.forms import TOO_LARGE, ChecksumForm, CopyForm
from dispatch.inspection import Busy
from publishing.pages import in_each_language

RETRY_AFTER = 30  # seconds


@csrf_exempt
def tracking(request: HttpRequest, provider: str) -> HttpResponse:
    """Where the provider of `ANYMAIL_PROVIDER` calls to say what became of a mail, and nobody else."""
    if provider != settings.ANYMAIL_PROVIDER:
        raise Http404
    from dispatch import hooks

    return hooks.called(request, provider)


@csrf_exempt  # here only: the length is looked at before the token, for to find the token is to read it all
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """The form, and what is said of a copy. What is too large is refused unread."""
    # No copy that somebody has checked touches the disk.
    if request.method == "POST" and not keep_in_memory(request, limit=verification.LIMIT):
        return _too_large(request)
    return _verify(request)


@csrf_protect
def _verify(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    if "sha256" in request.POST:
        checksum = ChecksumForm(request.POST)
        if not checksum.is_valid():
            return _page(request, status=422, checksum=checksum)
        return _page(request, verdict=verification.of_checksum(checksum.cleaned_data["sha256"]))
    form = CopyForm(files=request.FILES)
    if not form.is_valid():
        return _page(request, status=422, form=form)
    if len(form.cleaned_data["copy"]) > verification.LIMIT:
        return _too_large(request)
    try:
        return _page(request, verdict=verification.of_copy(form.cleaned_data["copy"]))
    except Busy:
        response = _page(request, status=503, busy=True)
        response["Retry-After"] = RETRY_AFTER
        return response


def _too_large(request: HttpRequest) -> HttpResponse:
    form = CopyForm(files=MultiValueDict())
    form.errors["copy"] = form.error_class([TOO_LARGE % {"limit": filesizeformat(verification.LIMIT)}])
    return _page(request, status=413, form=form)


def _page(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    verdict: verification.Verdict | None = context.get("verdict")
    forms_: dict[str, forms.Form] = {"form": CopyForm(), "checksum": ChecksumForm()}
    for name in forms_.keys() & context.keys():
        forms_[name] = context[name]
    context = {
        "letter": verdict.edition.letter if verdict and verdict.edition else None,
        "limit": verification.LIMIT,
        "alternates": in_each_language("verify"),
        **context,
        **forms_,
    }
    return render(request, "dispatch/verify.html", context, status=status)
