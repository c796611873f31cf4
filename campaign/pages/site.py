"""Pages of the site itself."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from publishing.pages import Page, pages


class Single(Page):
    """A page that stands once in each language, and changes with the site alone."""

    def addresses(self) -> Iterator[dict[str, Any]]:
        yield {}

    def subjects(self, **keys: Any) -> set[str]:
        return {"site"}

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        return {}


class About(Single):
    name = "about"
    path = "about/"
    template = "about.html"


class Privacy(Single):
    name = "privacy"
    path = "privacy/"
    template = "privacy.html"


class NotFound(Single):
    """What a server in front answers where there is no file and no such computed page."""

    name = "error_404"
    path = "errors/404/"
    template = "errors/404.html"
    in_sitemap = False


class Paused(Single):
    """What a server in front answers for a computed page while the application is down."""

    name = "error_503"
    path = "errors/503/"
    template = "errors/503.html"
    in_sitemap = False


class Sitemap(Single):
    """Every public page, with its twins in the other languages (sitemaps.org; Google's xhtml:link)."""

    name = "sitemap"
    path = "sitemap.xml"
    template = "sitemap.xml"
    content_type = "application/xml; charset=utf-8"
    has_languages = False
    in_sitemap = False

    def subjects(self, **keys: Any) -> set[str]:
        return {"site"}

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        listed = [(page, found) for page in pages() if page.in_sitemap for found in page.addresses()]
        return {"groups": [_absolute(page.alternates(**found)) for page, found in listed]}


class Robots(Single):
    """What crawlers may read: everything public. Forms and links of mails are not theirs to follow."""

    name = "robots"
    path = "robots.txt"
    content_type = "text/plain; charset=utf-8"
    has_languages = False
    in_sitemap = False

    def body(self, language: str, **keys: Any) -> bytes:
        closed = ["/desk/", "/accounts/", "/admin/", "/*/letters/*/sign/", "/*/signatures/"]
        lines = [
            "User-agent: *",
            *(f"Disallow: {path}" for path in closed),
            f"Sitemap: {settings.PUBLIC_URL}/sitemap.xml",
        ]
        return ("\n".join(lines) + "\n").encode()


def _absolute(alternates: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(code, f"{settings.PUBLIC_URL}{address}") for code, address in alternates]
