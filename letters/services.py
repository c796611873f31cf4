"""What staff do with a letter: save its text as a version, open and close it for signing, publish it."""

import hashlib
import json
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from ledger.services import move, witness
from letters.models import Letter, Version
from letters.states import LetterStatus
from publishing import services as publishing


def touch(letter: Letter, *kinds: str, at: datetime | None = None) -> None:
    """Have the public pages written again that show something of `letter`; to be called in the caller's transaction.

    Kinds: `letter` (text, dates, who may sign), `signatories`, `leaving` (a name is to be shown no more), `editions`,
    `delivery`.
    """
    publishing.touch(*(f"{kind}:{letter.slug}" for kind in kinds), at=at)


class Untranslated(Exception):
    """A part of the text is missing in a language of the site."""


def save_version(letter: Letter) -> Version:
    """Keep the text as it stands now; the latest version again where nothing changed.

    Raises `Untranslated` where a language of the site lacks a part.
    """
    content = {language: _text(letter, language) for language, _ in settings.LANGUAGES}
    sha256 = digest(content)
    with transaction.atomic():
        Letter.objects.select_for_update().get(pk=letter.pk)
        latest = letter.versions.last()
        if latest and latest.sha256 == sha256:
            return latest
        number = latest.number + 1 if latest else 1
        touch(letter, "letter")
        return letter.versions.create(number=number, content=content, sha256=sha256)


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


def publish(letter: Letter, *, at: datetime | None = None) -> None:
    """Show the letter to everyone: from now on, or from the end of an embargo. What is public keeps its date."""
    letter.version  # noqa: B018 - there has to be a text to show
    with transaction.atomic():
        Letter.objects.filter(pk=letter.pk, published_at=None).update(published_at=at or timezone.now())
        touch(letter, "letter", at=at)
        publishing.touch("site", at=at)
    letter.refresh_from_db(fields=["published_at"])


def digest(content: Any) -> str:
    """SHA-256 over canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _touch_openness(letter: Letter) -> None:
    """The pages say whether the letter can be signed: now, and when its last day is over."""
    for at in (None, letter.signing_ends_at):
        touch(letter, "letter", at=at)
        publishing.touch("site", at=at)


def _text(letter: Letter, language: str) -> dict[str, Any]:
    def part(row: Any, field: str) -> str:
        text: str = getattr(row, f"{field}_{language}") or ""
        if not text.strip():
            raise Untranslated(f"{row}: {field} is missing in {language}.")
        return text

    return {
        **{field: part(letter, field) for field in ("title", "subject", "salutation", "closing")},
        "blocks": [
            {"key": block.key, "kind": block.kind, "text": part(block, "text")} for block in letter.blocks.all()
        ],
    }
