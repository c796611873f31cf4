from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.access import access_review, may
from accounts.models import User


def site(request: HttpRequest) -> dict[str, Any]:
    return {
        "PUBLIC_URL": settings.PUBLIC_URL,
        "SITE_LANGUAGES": languages(),
        "MAY_REVIEW": SimpleLazyObject(lambda: _may_review(request)),  # asked only where a page of the desk wants it
    }


def _may_review(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return isinstance(user, User) and may(user, access_review)


def languages() -> list[tuple[str, str]]:
    """The site's languages, each named in its own words."""
    own_words = {"en": "English", "be": "Беларуская", "ru": "Русский"}
    return [(code, own_words[code]) for code, _ in settings.LANGUAGES]
