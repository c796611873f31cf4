from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    return {"PUBLIC_URL": settings.PUBLIC_URL, "SITE_LANGUAGES": languages()}


def languages() -> list[tuple[str, str]]:
    """The site's languages, each named in its own words."""
    own_words = {"en": "English", "be": "Беларуская", "ru": "Русский"}
    return [(code, own_words[code]) for code, _ in settings.LANGUAGES]
