from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse


class NoSuchNumberMiddleware:
    """A number in an address that no row can have is that of none: SQLite raises where PostgreSQL finds nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        if isinstance(exception, OverflowError) and "SQLite INTEGER" in str(exception):
            raise Http404 from exception
