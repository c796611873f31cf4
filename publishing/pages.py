"""What the public reads: pages that are a pure function of approved data and a language.

A page is a class, named by its dotted path in `settings.PUBLISHED_PAGES`. It knows neither request nor user, so that
what is public is the same for everyone. Nothing here knows what a page is about.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.module_loading import import_string

from publishing.models import Mirror

Keys = dict[str, Any]
EVERY_PAGE = "every page"  # a subject that each of them shows


class Page:
    """One kind of public page. `path` stands below `/<lang>/`, in the form that `django.urls.path` takes."""

    name: ClassVar[str]
    path: ClassVar[str]
    template: ClassVar[str] = ""
    content_type: ClassVar[str] = "text/html; charset=utf-8"
    index: ClassVar[str] = "index.html"  # the file of an address that ends in a slash
    in_sitemap: ClassVar[bool] = True
    has_languages: ClassVar[bool] = True  # else it stands once, outside `/<lang>/`

    def addresses(self) -> Iterable[Keys]:
        """The keys of every page of this kind that is public now."""
        raise NotImplementedError

    def subjects(self, **keys: Any) -> set[str]:
        """What the page at `keys` shows: touched, it is written again. See `publishing.services.touch`."""
        raise NotImplementedError

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        """What the template shows. Raises Http404 where there is no such page."""
        raise NotImplementedError

    def gone(self, **keys: Any) -> tuple[str, dict[str, Any]] | None:
        """The template and context that say why there is no page at `keys` any more, where there was one."""
        return None

    def body(self, language: str, **keys: Any) -> bytes:
        """The bytes of the page, in the language that is active. Raises Http404 where there is no such page."""
        shared = {"PUBLIC_URL": settings.PUBLIC_URL, "LANGUAGE_CODE": language, "page_name": self.name}
        shared["mirrors"] = Mirror.objects.public().values_list("address", flat=True)
        context = {**shared, "alternates": self.alternates(**keys), **self.context(language, **keys)}
        return render_to_string(self.template, context).encode()

    def render(self, language: str, **keys: Any) -> bytes:
        """The bytes of the page in `language`."""
        with translation.override(language):
            return self.body(language, **keys)

    def languages(self, **keys: Any) -> list[str]:
        """The languages in which the page at `keys` stands."""
        codes = [code for code, _ in settings.LANGUAGES]
        return codes if self.has_languages else codes[:1]

    def alternates(self, **keys: Any) -> list[tuple[str, str]]:
        """This page's address in each language of the site."""
        return [(code, self.address(code, **keys)) for code in self.languages(**keys)]

    def address(self, language: str, **keys: Any) -> str:
        return address_in(language, self.name, **keys)


def in_each_language(name: str, **keys: Any) -> list[tuple[str, str]]:
    """Code of the language and address, for each language that the page of that name is offered in."""
    return [(code, address_in(code, name, **keys)) for code, _ in settings.LANGUAGES]


def address_in(language: str, name: str, **keys: Any) -> str:
    with translation.override(language):
        return reverse(name, kwargs=keys)


@dataclass(frozen=True)
class Place:
    """One page in one language: where it stands, and what its bytes are."""

    page: Page
    language: str
    keys: tuple[tuple[str, Any], ...]

    @property
    def address(self) -> str:
        return self.page.address(self.language, **dict(self.keys))

    @property
    def file(self) -> str:
        return file_of(self.address, self.page.index)

    def render(self) -> bytes:
        return self.page.render(self.language, **dict(self.keys))

    def shows(self, subjects: set[str]) -> bool:
        return EVERY_PAGE in subjects or not subjects.isdisjoint(self.page.subjects(**dict(self.keys)))


def file_of(address: str, index: str) -> str:
    """The name of the file in which an address is published."""
    name = address.lstrip("/")
    return name + index if not name or name.endswith("/") else name


@cache
def pages() -> tuple[Page, ...]:
    """One of each kind of page that the site has."""
    return tuple(import_string(path)() for path in settings.PUBLISHED_PAGES)


def places() -> Iterator[Place]:
    """Everything that is public now."""
    for page in pages():
        for keys in page.addresses():
            for language in page.languages(**keys):
                yield Place(page, language, tuple(keys.items()))
