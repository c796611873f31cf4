"""Computed answers that belong to no app: the way to the reader's language, health, and the error pages."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from publishing.pages import in_each_language


@require_safe
def to_readers_language(request: HttpRequest) -> HttpResponse:
    """From `/` to the letters in the language that the browser asks for, else English."""
    with translation.override(translation.get_language_from_request(request)):
        response = redirect(reverse("letters"))
    patch_vary_headers(response, ["Accept-Language"])
    return response


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok\n", content_type="text/plain")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, "400", 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, "403", 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, "404", 404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _error(request, "csrf", 403)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 where it is the database that does not answer: that passes."""
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        response = _error(request, "503", 503)
        response["Retry-After"] = "60"
        return response
    return _error(request, "500", 500)


def _error(request: HttpRequest, name: str, status: int) -> HttpResponse:
    """In the language of the address, else the reader's; rendered from nothing that asks the database."""
    language = translation.get_language_from_path(request.path_info) or translation.get_language()
    with translation.override(language):
        context = {"LANGUAGE_CODE": language, "alternates": in_each_language("letters")}
        return HttpResponse(render_to_string(f"errors/{name}.html", context), status=status)
