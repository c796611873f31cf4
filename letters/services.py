"""What staff do with a letter: save its text as a version, open and close it for signing, publish it."""

import hashlib
import json
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from ledger.services import move
from letters.models import Letter, Version
from letters.states import LetterStatus


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
        return letter.versions.create(number=number, content=content, sha256=sha256)


def open_for_signing(letter: Letter, *, by: User) -> None:
    """Let organisations sign what was last saved as a version."""
    letter.version  # noqa: B018 - there has to be a text to sign
    move(letter, LetterStatus.OPEN, by=by)


def close_for_signing(letter: Letter, *, by: User) -> None:
    move(letter, LetterStatus.CLOSED, by=by)


def publish(letter: Letter) -> None:
    """Show the letter to everyone from now on; what is public already keeps its date."""
    letter.version  # noqa: B018 - there has to be a text to show
    Letter.objects.filter(pk=letter.pk, published_at=None).update(published_at=timezone.now())
    letter.refresh_from_db(fields=["published_at"])


def digest(content: Any) -> str:
    """SHA-256 over canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


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
