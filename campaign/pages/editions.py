"""The frozen editions of a letter, their PDFs, and what became of sending them."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import Http404
from django.shortcuts import get_object_or_404

from campaign.pages.common import OfLetter, public_letter
from dispatch import record
from dispatch.changes import changes
from dispatch.content import signatories_of
from dispatch.models import Delivery, Edition, EditionFile
from dispatch.services.editions import sealed_bytes
from letters.models import Letter
from publishing.pages import Page, address_in


def _public_editions() -> list[Edition]:
    return list(Edition.objects.public().filter(letter__in=Letter.objects.public()).select_related("letter"))


class EditionPage(Page):
    """One edition: its PDFs with their hashes, who signed it, to whom it is addressed, what is new since the last."""

    name = "edition"
    path = "letters/<slug:slug>/editions/<int:number>/"
    template = "dispatch/edition.html"

    def addresses(self) -> Iterator[dict[str, Any]]:
        for edition in _public_editions():
            yield {"slug": edition.letter.slug, "number": edition.number}

    def subjects(self, **keys: Any) -> set[str]:
        return {f"{kind}:{keys['slug']}" for kind in ("letter", "editions", "leaving")}

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        letter = public_letter(keys["slug"])
        edition = get_object_or_404(letter.editions.public().select_related("version"), number=keys["number"])
        files_are_public = not edition.names_someone_who_left
        return {
            "letter": letter,
            "edition": edition,
            "latest": letter.editions.public().first(),
            "text": edition.version.text(language),
            "files": [(file, address_in(file.language, "edition_pdf", **keys)) for file in edition.files.all()],
            "files_are_public": files_are_public,
            "changes": changes(edition, language),
            "addressees": [entry[language] for entry in edition.content["recipients"]],
            "signatories": signatories_of(edition.content, language),
        }


class EditionPdf(Page):
    """The sealed PDF of an edition, exactly; gone as soon as it names somebody who may not be named."""

    name = "edition_pdf"
    path = "letters/<slug:slug>/editions/<int:number>/letter.pdf"
    content_type = "application/pdf"
    in_sitemap = False

    def addresses(self) -> Iterator[dict[str, Any]]:
        for edition in _public_editions():
            if not edition.names_someone_who_left:
                yield {"slug": edition.letter.slug, "number": edition.number}

    def subjects(self, **keys: Any) -> set[str]:
        return {f"editions:{keys['slug']}"}

    def languages(self, **keys: Any) -> list[str]:
        found = EditionFile.objects.filter(edition__letter__slug=keys["slug"], edition__number=keys["number"])
        offered = dict(settings.LANGUAGES)
        return [code for code in found.values_list("language", flat=True) if code in offered]

    def gone(self, **keys: Any) -> tuple[str, dict[str, Any]] | None:
        editions = Edition.objects.public().filter(letter__slug=keys["slug"])
        edition = editions.filter(number=keys["number"]).first()
        if edition is None or not edition.names_someone_who_left:
            return None
        return "dispatch/gone.html", {**keys, "newer": editions.filter(number__gt=keys["number"]).first()}

    def body(self, language: str, **keys: Any) -> bytes:
        edition = get_object_or_404(public_letter(keys["slug"]).editions.public(), number=keys["number"])
        if edition.names_someone_who_left:
            raise Http404
        return sealed_bytes(get_object_or_404(edition.files, language=language))


class LetterPdf(EditionPdf):
    """The PDF of the latest edition."""

    name = "letter_pdf"
    path = "letters/<slug:slug>/letter.pdf"

    def addresses(self) -> Iterator[dict[str, Any]]:
        latest = {edition.letter.slug: edition for edition in reversed(_public_editions())}
        for slug, edition in latest.items():
            if not edition.names_someone_who_left:
                yield {"slug": slug}

    def languages(self, **keys: Any) -> list[str]:
        return super().languages(slug=keys["slug"], number=_latest(keys["slug"]).number)

    def gone(self, **keys: Any) -> tuple[str, dict[str, Any]] | None:
        edition = Edition.objects.public().filter(letter__slug=keys["slug"]).first()
        return super().gone(slug=keys["slug"], number=edition.number) if edition else None

    def body(self, language: str, **keys: Any) -> bytes:
        return super().body(language, slug=keys["slug"], number=_latest(keys["slug"]).number)


class DeliveryRecord(OfLetter):
    """To whom the letter was sent, when, and what became of it."""

    name = "delivery"
    path = "letters/<slug:slug>/delivery/"
    template = "dispatch/delivery.html"
    kinds = ("letter", "delivery")

    def context(self, language: str, **keys: Any) -> dict[str, Any]:
        letter = public_letter(keys["slug"])
        deliveries = Delivery.objects.on_record().filter(edition__letter=letter)
        in_order = deliveries.order_by("recipient__order", "recipient", "pk").prefetch_related("replies")
        return {
            "letter": letter,
            "text": letter.version.text(language),
            "entries": record.entries(in_order.select_related("recipient", "edition__letter", "dispatch")),
        }


def _latest(slug: str) -> Edition:
    edition = public_letter(slug).editions.public().first()
    if edition is None:
        raise Http404
    return edition
