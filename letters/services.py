"""What staff do with a letter: save its text as a version, open and close it for signing, publish it."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from ledger.services import Overtaken, move, witness
from letters.content import PARTS, Content, Place, gaps, structure, words, working
from letters.models import Campaign, Letter, PrivateLink, Version
from letters.states import LetterStatus
from publishing import services as publishing


def touch(letter: Letter, *kinds: str, at: datetime | None = None) -> None:
    """Have the public pages written again that show something of `letter`; to be called in the caller's transaction.

    Kinds: `letter` (text, dates, who may sign), `signatories`, `leaving` (a name is to be shown no more), `editions`,
    `delivery`.
    """
    publishing.touch(*(f"{kind}:{letter.slug}" for kind in kinds), at=at)


class Untranslated(Exception):
    """A part of the text is missing in a language of the site; `places` are those that are."""

    def __init__(self, places: list[Place]) -> None:
        super().__init__(", ".join(" ".join(filter(None, place)) for place in places))
        self.places = places


def save_version(
    letter: Letter,
    *,
    by: User | None = None,
    is_material: bool = False,
    reason: Mapping[str, str] | None = None,
    keep_until: date | None = None,
) -> Version:
    """Keep the text as it stands now; the latest version again where nothing changed.

    One that changed the meaning (`is_material`) says why, in every language of the site, and until the end of which day
    (UTC) those who signed an earlier one may keep their signature. Raises `Untranslated`.
    """
    with transaction.atomic():
        content = working(Letter.objects.select_for_update().get(pk=letter.pk))
        if missing := gaps(content):
            raise Untranslated(missing)
        sha256 = digest(content)
        latest = letter.versions.last()
        if latest and latest.sha256 == sha256:
            return latest
        touch(letter, "letter")
        return letter.versions.create(
            number=latest.number + 1 if latest else 1,
            content=content,
            sha256=sha256,
            saved_by=by,
            is_material=is_material,
            keep_until=keep_until,
            **{f"reason_{language}": text for language, text in (reason or {}).items()},
        )


def save_text(
    letter: Letter,
    content: Content,
    *,
    started_from: str,
    by: User,
    is_material: bool = False,
    reason: Mapping[str, str] | None = None,
    keep_until: date | None = None,
) -> Version:
    """Write another text and save it as a version, both or neither; see `save_version`.

    `started_from` is the `digest` of the text that the writer began with. Raises `Overtaken` where somebody else has
    saved something since.
    """
    with transaction.atomic():
        fresh = Letter.objects.select_for_update().get(pk=letter.pk)
        if digest(working(fresh)) != started_from:
            raise Overtaken(f"The text of letter {letter.pk} has been changed")
        _write(fresh, content)
        return save_version(fresh, by=by, is_material=is_material, reason=reason, keep_until=keep_until)


def open_for_signing(letter: Letter, *, by: User) -> None:
    """Let organisations sign what was last saved as a version."""
    letter.version  # noqa: B018 - there has to be a text to sign
    with transaction.atomic():
        move(letter, LetterStatus.OPEN, by=by)
        _touch_openness(letter)


def close_for_signing(letter: Letter, *, by: User) -> None:
    with transaction.atomic():
        move(letter, LetterStatus.CLOSED, by=by)
        _touch_openness(letter)


def choose_signing(
    letter: Letter, *, signing_until: date | None, accepts_individuals: bool, is_guarded: bool, by: User
) -> None:
    """Who may sign, until the end of which day (UTC), and whether each signature takes a proof of work."""
    with transaction.atomic():
        Letter.objects.filter(pk=letter.pk).update(
            signing_until=signing_until, accepts_individuals=accepts_individuals, is_guarded=is_guarded
        )
        letter.refresh_from_db()
        witness(letter, "signing chosen", by=by)
        _touch_openness(letter)


def keep_contacts(campaign: Campaign, *, until: date | None, by: User) -> None:
    """Until the end of which day (UTC) the contacts of those who signed are kept; None for as long as nobody says."""
    with transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(contacts_until=until)
        witness(campaign, "retention chosen", by=by)
    campaign.contacts_until = until


def publish(letter: Letter, *, at: datetime | None = None) -> None:
    """Show the letter to everyone: from now on, or from the end of an embargo. What is public keeps its date."""
    letter.version  # noqa: B018 - there has to be a text to show
    with transaction.atomic():
        Letter.objects.filter(pk=letter.pk, published_at=None).update(published_at=at or timezone.now())
        touch(letter, "letter", at=at)
        publishing.touch("site", at=at)
    letter.refresh_from_db(fields=["published_at"])


def make_private_link(letter: Letter, *, label: str, by: User) -> PrivateLink:
    """A link for those who are to read and sign the letter before it is public; `label` says for whom it is."""
    letter.version  # noqa: B018 - there has to be a text to show
    with transaction.atomic():
        link = letter.private_links.create(token=secrets.token_urlsafe(24), label=label, made_by=by)
        witness(link, "made", by=by)
    return link


def revoke_private_link(link: PrivateLink, *, by: User) -> None:
    """The link opens nothing from now on. Again, it changes nothing."""
    now = timezone.now()
    with transaction.atomic():
        if PrivateLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now) == 1:
            witness(link, "revoked", by=by)
    link.refresh_from_db(fields=["revoked_at"])


def digest(content: Any) -> str:
    """SHA-256 over canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _touch_openness(letter: Letter) -> None:
    """The pages say whether the letter can be signed: now, and when its last day is over."""
    for at in (None, letter.signing_ends_at):
        touch(letter, "letter", at=at)
        publishing.touch("site", at=at)


def _write(letter: Letter, content: Content) -> None:
    """Into the rows. Languages that are not the site's stay as they are."""
    said = words(content)
    columns = {f"{part}_{language}": said[language, part, ""] for language in content for part in PARTS}
    for column, text in columns.items():
        setattr(letter, column, text)
    letter.save(update_fields=[*columns, *PARTS])
    publishing.touch("site")  # which lists the titles
    listed = structure(content)
    letter.blocks.exclude(key__in=[key for key, _ in listed]).delete()
    for order, (key, kind) in enumerate(listed, start=1):
        columns = {f"text_{language}": said[language, "text", key] for language in content}
        letter.blocks.update_or_create(key=key, defaults={"kind": kind, "order": order, **columns})
