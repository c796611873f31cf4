"""Public pages for tests that are about what a page says: as if each had been published a moment ago.

Tests of the publishing itself read the files; see `tests/publishing/`.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from publishing.pages import Page
from publishing.serving import etag_of, matches


class JustPublished:
    """Middleware that answers a published address with the bytes that its file would have."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, keys: dict[str, Any]) -> HttpResponse | None:
        page: Page | None = getattr(view, "page", None)
        if page is None or request.method not in ("GET", "HEAD"):
            return None
        if keys not in list(page.addresses()):
            return None
        body = page.render(translation.get_language() or "", **keys)
        headers = {"ETag": etag_of(body), "Cache-Control": "no-cache"}
        if matches(request.headers.get("If-None-Match", ""), headers["ETag"]):
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(body, content_type=page.content_type, headers=headers)
