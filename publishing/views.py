from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from publishing.pages import Page

RETRY_AFTER = 10  # seconds


def missing(page: Page) -> Callable[..., HttpResponse]:
    """A view for a public address that has no file: 503 where there should be one, else 404.

    Nothing is computed in its place: a page that was taken down stays down until it is written again.
    """

    @require_safe
    def view(request: HttpRequest, **keys: Any) -> HttpResponse:
        if keys in list(page.addresses()):
            response = render(request, "errors/updating.html", status=503)
            response["Retry-After"] = RETRY_AFTER
            return response
        if reason := page.gone(**keys):
            template, context = reason
            return render(request, template, context, status=410)
        raise Http404

    view.page = page  # type: ignore[attr-defined] # so that a page can be found by its address
    return view
