"""The public pages: what each of them shows, out of approved data alone."""

from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.shortcuts import get_object_or_404

from dispatch.models import Edition
from dispatch.states import DeliveryStatus
from letters import press
from letters.models import Letter, PressRelease
from publishing.pages import Page, address_in
from signatories.ordering import in_order
from signatories.queries import signatory_list


class Letters(Page):
    """The letters of the site."""

    name = "letters"
    path = ""
    template = "letters/list.html"

    def addresses(self) -> Iterator[dict[str, Any]]:
        yield {}

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        return {"letters": Letter.objects.public().select_related("campaign")}


class LetterPage(Page):
    """A letter with its signatories."""

    name = "letter"
    path = "letters/<slug:slug>/"
    template = "letters/letter.html"

    def addresses(self) -> Iterator[dict[str, Any]]:
        for slug in Letter.objects.public().values_list("slug", flat=True):
            yield {"slug": slug}

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        letter = public_letter(keys["slug"])
        edition = letter.editions.public().first()
        return {
            "letter": letter,
            "text": letter.version.text(language),
            "recipients": letter.recipients.all(),
            "signatories": signatory_list(letter, language),
            "edition": edition,
            "file": edition.files.filter(language=language).first() if edition else None,
            "files_are_public": edition is not None and not edition.names_someone_who_left,
            "has_press_release": PressRelease.objects.filter(letter=letter).exists(),
            "sent_at": sent_at(letter),
        }


class Press(Page):
    """The press release of a letter."""

    name = "press"
    path = "letters/<slug:slug>/press/"
    template = "letters/press.html"

    def addresses(self) -> Iterator[dict[str, Any]]:
        for slug in Letter.objects.public().filter(press_release__isnull=False).values_list("slug", flat=True):
            yield {"slug": slug}

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        letter = public_letter(keys["slug"])
        release = get_object_or_404(PressRelease, letter=letter)
        organisations = signatory_list(letter, language).count
        return {
            "letter": letter,
            "press": release,
            "body": press.paragraphs(release, organisations=organisations, sent_at=sent_at(letter)),
            "text": letter.version.text(language),
        }


class EditionPage(Page):
    """One edition: its PDFs with their hashes, who signed it and to whom it is addressed."""

    name = "edition"
    path = "letters/<slug:slug>/editions/<int:number>/"
    template = "dispatch/edition.html"

    def addresses(self) -> Iterator[dict[str, Any]]:
        for edition in Edition.objects.public().filter(letter__in=Letter.objects.public()).select_related("letter"):
            yield {"slug": edition.letter.slug, "number": edition.number}

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        letter = public_letter(keys["slug"])
        edition = get_object_or_404(letter.editions.public().select_related("version"), number=keys["number"])
        entries = [{**entry, "name": entry["name"][language]} for entry in edition.content["signatories"]]
        names = in_order(entries, language, name=itemgetter("name"), lead=itemgetter("is_lead"))
        withheld = edition.content["withheld"]
        return {
            "letter": letter,
            "edition": edition,
            "latest": letter.editions.public().first(),
            "text": edition.version.text(language),
            "files": [
                (file, address_in(file.language, "dispatch:edition_pdf", **keys)) for file in edition.files.all()
            ],
            "files_are_public": not edition.names_someone_who_left,
            "addressees": [entry[language] for entry in edition.content["recipients"]],
            "names": names,
            "withheld": withheld,
            "total": len(names) + withheld,
        }


class About(Page):
    name = "about"
    path = "about/"
    template = "about.html"

    def addresses(self) -> Iterator[dict[str, Any]]:
        yield {}

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        return {}


class Privacy(About):
    name = "privacy"
    path = "privacy/"
    template = "privacy.html"


def public_letter(slug: str) -> Letter:
    """Raises Http404 for a letter that is not there or not public."""
    letter: Letter = get_object_or_404(Letter.objects.public().select_related("campaign"), slug=slug)
    return letter


def sent_at(letter: Letter) -> datetime | None:
    """When the first mail server accepted the letter, or None."""
    return (
        Edition.objects.filter(letter=letter, deliveries__status=DeliveryStatus.ACCEPTED)
        .order_by("deliveries__settled_at")
        .values_list("deliveries__settled_at", flat=True)
        .first()
    )
