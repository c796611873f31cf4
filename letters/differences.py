"""What changed between two texts of a letter, as a reader can follow it: by block, the old words and the new ones."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from letters.models import Block

WORDS = re.compile(r"\S+\s*")
ALIKE = 0.3  # of its words; with fewer in common, marks on single words would be harder to read than the whole


class Change(models.TextChoices):
    ADDED = "added", _("Added")
    REMOVED = "removed", _("Left out")
    CHANGED = "changed", _("Changed")
    MOVED = "moved", _("Moved, with the same words")


@dataclass(frozen=True)
class Words:
    """A run of words, and whether the other text has them, too."""

    text: str
    is_changed: bool


@dataclass(frozen=True)
class Difference:
    """One part of the letter that is not as it was. `number` counts paragraphs and demands, each from 1.

    What is new or only moved has no `old` words, what was left out no `new` ones.
    """

    part: str | Promise
    number: int | None
    change: Change
    old: list[Words]
    new: list[Words]


PARTS: dict[str, Promise] = {
    "title": _("Title"),
    "subject": _("Subject"),
    "salutation": _("Salutation"),
    Block.Kind.PARAGRAPH: _("Paragraph"),
    Block.Kind.DEMAND: _("Demand"),
    "closing": _("Closing"),
}


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """Between two texts of one language (`Version.text`), in the order of the new one; what was left out, last."""
    before, after = dict(_parts(old)), dict(_parts(new))
    moved = _moved([key for key in before if key in after], [key for key in after if key in before])
    found = []
    for key, (part, number, text) in after.items():
        if key not in before:
            found.append(Difference(part, number, Change.ADDED, [], [Words(text, True)]))
        elif (before[key][0], before[key][2]) != (part, text):
            found.append(Difference(part, number, Change.CHANGED, *compare(before[key][2], text)))
        elif key in moved:
            found.append(Difference(part, number, Change.MOVED, [], [Words(text, False)]))
    for key, (part, number, text) in before.items():
        if key not in after:
            found.append(Difference(part, number, Change.REMOVED, [Words(text, True)], []))
    return found


def compare(old: str, new: str) -> tuple[list[Words], list[Words]]:
    """Both texts in runs of words that the other one has, too, or has not."""
    ones, others = WORDS.findall(old), WORDS.findall(new)
    matcher = SequenceMatcher(a=ones, b=others, autojunk=False)
    if matcher.ratio() < ALIKE:
        return [Words(old, True)], [Words(new, True)]
    steps = matcher.get_opcodes()
    return (
        [Words("".join(ones[start:end]), step != "equal") for step, start, end, _, _ in steps if end > start],
        [Words("".join(others[start:end]), step != "equal") for step, _, _, start, end in steps if end > start],
    )


def _parts(text: dict[str, Any]) -> Iterator[tuple[str, tuple[str | Promise, int | None, str]]]:
    """Each part by a key that holds across versions: what it is called, its number, its words."""
    for name in ("title", "subject", "salutation"):
        yield name, (PARTS[name], None, text.get(name, ""))
    numbers: dict[str, int] = {}
    for block in text.get("blocks", []):
        kind = block["kind"]
        numbers[kind] = numbers.get(kind, 0) + 1
        yield f"block {block['key']}", (PARTS[kind], numbers[kind], block["text"])
    yield "closing", (PARTS["closing"], None, text.get("closing", ""))


def _moved(before: list[str], after: list[str]) -> set[str]:
    """Keys that are no longer in the order that most of them kept."""
    kept = SequenceMatcher(a=before, b=after, autojunk=False).get_matching_blocks()
    return set(after) - {key for block in kept for key in after[block.b : block.b + block.size]}
