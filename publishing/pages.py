"""What the public reads: pages that are a pure function of approved data and a language.

A page is a class, named by its dotted path in `settings.PUBLISHED_PAGES`. It knows neither request nor user, so that
what is public is the same for everyone. Nothing here knows what a page is about.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.conf import settings
from django.http import Http404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.module_loading import import_string


class Page:
    """One kind of public page. `path` stands below `/<lang>/`; its placeholders are the keys of an address."""

    name: ClassVar[str]
    path: ClassVar[str]
    template: ClassVar[str] = ""
    content_type: ClassVar[str] = "text/html; charset=utf-8"

    def addresses(self) -> Iterator[dict[str, Any]]:
        """The keys of every page of this kind that is public now."""
        raise NotImplementedError

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        """What the template shows. Raises Http404 where there is no such page."""
        raise NotImplementedError

    def render(self, language: str, **keys: Any) -> bytes:
        """The bytes of the page in `language`. Raises Http404 where there is no such page."""
        if language not in dict(settings.LANGUAGES):
            raise Http404
        with translation.override(language):
            shared = {"PUBLIC_URL": settings.PUBLIC_URL, "LANGUAGE_CODE": language}
            context = {**shared, "alternates": self.alternates(**keys), **self.context(language, **keys)}
            return render_to_string(self.template, context).encode()

    def alternates(self, **keys: Any) -> list[tuple[str, str]]:
        """This page's address in each language of the site."""
        return in_each_language(self.name, **keys)

    def address(self, language: str, **keys: Any) -> str:
        return address_in(language, self.name, **keys)


def in_each_language(name: str, **keys: Any) -> list[tuple[str, str]]:
    """Code of the language and address, for each language that the page of that name is offered in."""
    return [(code, address_in(code, name, **keys)) for code, _ in settings.LANGUAGES]


def address_in(language: str, name: str, **keys: Any) -> str:
    with translation.override(language):
        return reverse(name, kwargs=keys)


def pages() -> list[Page]:
    """One of each kind of page that the site has."""
    return [import_string(path)() for path in settings.PUBLISHED_PAGES]
