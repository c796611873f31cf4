"""Addresses of published pages. They are answered by files; a request that gets here found none."""

from django.urls import URLPattern, path

from publishing.pages import pages
from publishing.views import missing


def published(*, in_languages: bool) -> list[URLPattern]:
    """The addresses below `/<lang>/`, or those that stand once."""
    return [path(page.path, missing(page), name=page.name) for page in pages() if page.has_languages == in_languages]
