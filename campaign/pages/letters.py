"""A letter, who signed it, and what the press is told."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from django.shortcuts import get_object_or_404

from campaign.pages.common import OfLetter, public_letter, sent_at
from letters import press
from letters.models import Letter, PressRelease
from publishing.pages import Page
from signatories.ordering import initial
from signatories.queries import Signatory, signatory_count, signatory_list

MANY = 400  # more names than this stand on a page of their own


class Letters(Page):
    """The letters of the site."""

    name = "letters"
    path = ""
    template = "letters/list.html"

    def addresses(self) -> Iterator[dict[str, Any]]:
        yield {}

    def subjects(self, **keys: Any) -> set[str]:
        return {"site"}

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        return {"letters": Letter.objects.public().select_related("campaign")}


class LetterPage(OfLetter):
    """A letter with its signatories."""

    name = "letter"
    path = "letters/<slug:slug>/"
    template = "letters/letter.html"
    kinds = ("letter", "signatories", "editions", "delivery")

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        letter = public_letter(keys["slug"])
        edition = letter.editions.public().first()
        signatories = signatory_list(letter, language, at_most=MANY)
        return {
            "letter": letter,
            "text": letter.version.text(language),
            "recipients": letter.recipients.all(),
            "signatories": signatories,
            "edition": edition,
            "file": edition.files.filter(language=language).first() if edition else None,
            "files_are_public": edition is not None and not edition.names_someone_who_left,
            "has_press_release": PressRelease.objects.filter(letter=letter).exists(),
            "sent_at": sent_at(letter),
        }


class Signatories(OfLetter):
    """All signatories of a letter, by the letters of the alphabet where there are many."""

    name = "signatories"
    path = "letters/<slug:slug>/signatories/"
    template = "letters/signatories.html"
    kinds = ("letter", "signatories", "delivery")

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        letter = public_letter(keys["slug"])
        signatories = signatory_list(letter, language)
        lead = [row for row in signatories.named if row.is_lead]
        others = [row for row in signatories.named if not row.is_lead]
        by_letter = letter.signatory_order == Letter.Order.NAME and len(others) > MANY
        return {
            "letter": letter,
            "text": letter.version.text(language),
            "signatories": signatories,
            "shown": replace(signatories, named=lead, joined=[], individual_count=0, earlier=[])
            if by_letter
            else signatories,
            "groups": _by_letter(others, letter, language) if by_letter else [],
        }


def _by_letter(rows: list[Signatory], letter: Letter, language: str) -> list[tuple[str, list[Signatory]]]:
    def first(row: Signatory) -> str:
        return initial(row.name, language, letter.ignores_articles)

    return [(letter_of_alphabet, list(found)) for letter_of_alphabet, found in groupby(rows, key=first)]


class Press(OfLetter):
    """The press release of a letter."""

    name = "press"
    path = "letters/<slug:slug>/press/"
    template = "letters/press.html"
    kinds = ("letter", "signatories", "delivery")

    def addresses(self) -> Iterator[dict[str, Any]]:
        for slug in Letter.objects.public().filter(press_release__isnull=False).values_list("slug", flat=True):
            yield {"slug": slug}

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        letter = public_letter(keys["slug"])
        release = get_object_or_404(PressRelease, letter=letter)
        return {
            "letter": letter,
            "press": release,
            "body": press.paragraphs(release, organisations=signatory_count(letter), sent_at=sent_at(letter)),
            "text": letter.version.text(language),
        }
