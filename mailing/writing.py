"""The text of a mail, out of a template whose first line is the subject."""

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation


def write(template: str, context: Mapping[str, Any], *, language: str) -> str:
    """In `language`: the subject, fit for a header, a line break, and the body."""
    with translation.override(language):
        text = render_to_string(template, dict(context))
    subject, _, body = text.lstrip().partition("\n")
    return f"{one_line(subject)}\n{body.strip()}\n"


def one_line(text: str) -> str:
    """`text` fit for a header: no line break or control character of any alphabet, at most 200 characters."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:200]
