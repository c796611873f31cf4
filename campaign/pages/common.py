"""What several pages show, out of approved data alone."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext

from dispatch.models import Edition
from dispatch.states import GONE_OUT
from letters.models import Letter
from publishing.pages import Page


class OfLetter(Page):
    """A page that each public letter has."""

    kinds: tuple[str, ...] = ("letter",)

    def addresses(self) -> Iterator[dict[str, Any]]:
        for slug in Letter.objects.public().values_list("slug", flat=True):
            yield {"slug": slug}

    def subjects(self, **keys: Any) -> set[str]:
        return {f"{kind}:{keys['slug']}" for kind in self.kinds}


def public_letter(slug: str) -> Letter:
    """Raises Http404 for a letter that is not there or not public."""
    letter: Letter = get_object_or_404(Letter.objects.public().select_related("campaign"), slug=slug)
    return letter


def sent_at(letter: Letter) -> datetime | None:
    """When the letter was first taken off our hands, whatever became of it; or None."""
    return (
        Edition.objects.filter(letter=letter, deliveries__status__in=GONE_OUT)
        .order_by("deliveries__settled_at")
        .values_list("deliveries__settled_at", flat=True)
        .first()
    )


def demonstration_notice(letter: Letter) -> str:
    if not letter.is_demonstration:
        return ""
    return gettext(
        "This letter is a demonstration of Undersigned. It was not sent to anyone; "
        "the signatories other than the lead organisation are made up."
    )
