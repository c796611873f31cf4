"""The letter as plain text, for a mailbox that takes the PDF away."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.dateparse import parse_date

from dispatch.content import presented, signatories_of
from dispatch.models import Edition

NAMED = 400  # more names than this make a mail too long; the text then says where they stand


def twin(edition: Edition, language: str) -> str:
    """What the edition's PDF says, in `language`; a pure function of what was frozen."""
    content = edition.content
    text = content["languages"][language]
    recipients = [{"kind": recipient["kind"], **recipient[language]} for recipient in content["recipients"]]
    signatories = signatories_of(content, language)
    with translation.override(language):
        rendered = render_to_string(
            "dispatch/twin.txt",
            {
                "content": content,
                "text": text,
                "dated": parse_date(content["dated"]),
                "addressees": [recipient for recipient in recipients if recipient["kind"] == "to"],
                "copies": [presented(recipient) for recipient in recipients if recipient["kind"] == "cc"],
                "parts": list(_parts(text["blocks"])),
                "signatories": signatories,
                "is_named": len(signatories.named) + len(signatories.individuals) <= NAMED,
                "address": settings.PUBLIC_URL + edition.get_absolute_url(),
            },
        )
    return rendered.strip() + "\n"


def _parts(blocks: list[dict[str, Any]]) -> Iterator[str]:
    """Each block as it stands; demands with their numbers."""
    numbers = count(1)
    for block in blocks:
        yield f"{next(numbers)}. {block['text']}" if block["kind"] == "demand" else block["text"]
