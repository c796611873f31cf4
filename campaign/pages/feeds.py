"""Atom feeds: what happened to the letters of the site, or to one of them. Nobody's leaving is ever an entry."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext, ngettext

from campaign.pages.common import demonstration_notice, public_letter, sent_at
from dispatch.content import organisations_in
from letters.models import Letter
from publishing.pages import Page, address_in


@dataclass(frozen=True)
class Entry:
    """Something that happened, as a reader of the feed sees it."""

    id: str
    title: str
    text: str
    link: str
    at: datetime


class LetterFeed(Page):
    """What happened to one letter: published, frozen into editions, sent."""

    name = "letter_feed"
    path = "letters/<slug:slug>/feed.atom"
    content_type = "application/atom+xml; charset=utf-8"
    in_sitemap = False

    def addresses(self) -> Iterator[dict[str, Any]]:
        for slug in Letter.objects.public().values_list("slug", flat=True):
            yield {"slug": slug}

    def subjects(self, **keys: Any) -> set[str]:
        slug = keys["slug"]
        return {f"letter:{slug}", f"editions:{slug}", f"delivery:{slug}"}

    def body(self, language: str, **keys: Any) -> bytes:
        letter = public_letter(keys["slug"])
        page = _url(language, "letter", slug=letter.slug)
        return _feed(language, letter.title, page, self.address(language, **keys), entries_of(letter, language))


class SiteFeed(Page):
    """What happened to any letter of the site."""

    name = "feed"
    path = "feed.atom"
    content_type = "application/atom+xml; charset=utf-8"
    in_sitemap = False

    def addresses(self) -> Iterator[dict[str, Any]]:
        yield {}

    def subjects(self, **keys: Any) -> set[str]:
        slugs = Letter.objects.public().values_list("slug", flat=True)
        return {"site", *(f"{kind}:{slug}" for slug in slugs for kind in ("letter", "editions", "delivery"))}

    def body(self, language: str, **keys: Any) -> bytes:
        letters = Letter.objects.public()
        entries = [entry for letter in letters for entry in entries_of(letter, language)]
        return _feed(language, gettext("Open letters"), _url(language, "letters"), self.address(language), entries)


def entries_of(letter: Letter, language: str) -> list[Entry]:
    """The life of a letter as it may be told, in the active language."""
    page = _url(language, "letter", slug=letter.slug)
    notice = demonstration_notice(letter)
    assert letter.published_at
    entries = [
        Entry(f"{letter.slug}:published", letter.title, _joined(letter.subject, notice), page, letter.published_at)
    ]
    for edition in letter.editions.public().prefetch_related("files"):
        count = organisations_in(edition)
        signed = ngettext(
            "%(count)s organisation has signed this letter.", "%(count)s organisations have signed this letter.", count
        )
        title = gettext("Edition %(number)s: %(title)s") % {"number": edition.number, "title": letter.title}
        link = _url(language, "edition", slug=letter.slug, number=edition.number)
        sealed = max(file.sealed_at for file in edition.files.all() if file.sealed_at)
        text = _joined(signed % {"count": count}, notice)
        entries.append(Entry(f"{letter.slug}:edition:{edition.number}", title, text, link, sealed))
    if sent := sent_at(letter):
        title = gettext("Sent to the addressees: %(title)s") % {"title": letter.title}
        link = _url(language, "delivery", slug=letter.slug)
        entries.append(Entry(f"{letter.slug}:sent", title, notice, link, sent))
    return entries


def _feed(language: str, title: str, page: str, address: str, entries: Iterable[Entry]) -> bytes:
    feed = Atom1Feed(
        title=title, link=page, description="", language=language, feed_url=f"{settings.PUBLIC_URL}{address}"
    )
    for entry in sorted(entries, key=lambda entry: entry.at, reverse=True):
        feed.add_item(
            title=entry.title,
            link=entry.link,
            description=entry.text,
            unique_id=f"{settings.PUBLIC_URL}/#{entry.id}:{language}",
            pubdate=entry.at,
            updateddate=entry.at,
        )
    text: str = feed.writeString("utf-8")
    return text.encode()


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _url(language: str, name: str, **keys: Any) -> str:
    return f"{settings.PUBLIC_URL}{address_in(language, name, **keys)}"
