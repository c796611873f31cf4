"""A letter's text in every language as one structure: as its rows hold it, and as two people's changes make it.

By language, `title`, `subject`, `salutation`, `closing` and `blocks` (key, kind, text), like `Version.content`; but
while it is worked on, parts may be missing. Every language has the same blocks.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings

from letters.models import Letter

PARTS = ("title", "subject", "salutation", "closing")
Text = dict[str, Any]
Content = dict[str, Text]
Place = tuple[str, str, str]  # language; part, or "text"; key of the block, empty for a part


def working(letter: Letter) -> Content:
    """The text as the rows of `letter` hold it now, in the site's languages."""
    blocks = list(letter.blocks.all())
    return {
        language: {
            **{part: getattr(letter, f"{part}_{language}") or "" for part in PARTS},
            "blocks": [
                {"key": block.key, "kind": block.kind, "text": getattr(block, f"text_{language}") or ""}
                for block in blocks
            ],
        }
        for language, _ in settings.LANGUAGES
    }


def structure(content: Mapping[str, Text]) -> list[tuple[str, str]]:
    """Key and kind of each block, in their order."""
    for text in content.values():
        return [(block["key"], block["kind"]) for block in text["blocks"]]
    return []


def words(content: Mapping[str, Text]) -> dict[Place, str]:
    """Every piece of text by its place."""
    found: dict[Place, str] = {}
    for language, text in content.items():
        found |= {(language, part, ""): text.get(part, "") for part in PARTS}
        found |= {(language, "text", block["key"]): block["text"] for block in text.get("blocks", [])}
    return found


def made_of(
    blocks: Iterable[tuple[str, str]], said: Mapping[Place, str], *, languages: Iterable[str] | None = None
) -> Content:
    """The other way round: what is said at no place is missing."""
    listed = list(blocks)
    return {
        language: {
            **{part: said.get((language, part, ""), "") for part in PARTS},
            "blocks": [
                {"key": key, "kind": kind, "text": said.get((language, "text", key), "")} for key, kind in listed
            ],
        }
        for language in languages or [code for code, _ in settings.LANGUAGES]
    }


def tidied(content: Mapping[str, Text]) -> Content:
    """Without blanks around, and with one kind of line break: as a form gives it back."""
    said = {
        place: " ".join(text.split()) if place[1] in PARTS else text.replace("\r\n", "\n").replace("\r", "\n").strip()
        for place, text in words(content).items()
    }
    return made_of(structure(content), said, languages=content)


def gaps(content: Mapping[str, Text]) -> list[Place]:
    """Where text is missing."""
    return [place for place, text in words(content).items() if not text.strip()]


def merged(base: Content, mine: Content, theirs: Content) -> tuple[Content, list[Place]]:
    """Both changes to `base` in one text, and the places where both say something else: there it is mine.

    A block that one removed and the other changed stays. The order is mine, if I changed it.
    """
    was, my, their = words(base), words(mine), words(theirs)
    said, both = {}, []
    for place in {**their, **my}:
        mine_said, their_said, was_said = my.get(place, ""), their.get(place, ""), was.get(place, "")
        said[place] = their_said if mine_said == was_said and place in their else mine_said or their_said
        if place in my and place in their and was_said not in (mine_said, their_said) and mine_said != their_said:
            both.append(place)
    return made_of(_order(base, mine, theirs), said, languages=mine), both


def _order(base: Content, mine: Content, theirs: Content) -> list[tuple[str, str]]:
    was, my, their = structure(base), structure(mine), structure(theirs)
    kept = [*_staying(my, was, base, mine, other=their), *_staying(their, was, base, theirs, other=my)]
    first, second = (their, my) if my == was else (my, their)
    order = [block for block in first if block in kept]
    for position, block in enumerate(second):
        if block in kept and block not in order:
            before = next((order.index(other) for other in reversed(second[:position]) if other in order), -1)
            order.insert(before + 1, block)
    return order


def _staying(
    blocks: list[tuple[str, str]],
    was: list[tuple[str, str]],
    base: Content,
    changed: Content,
    *,
    other: list[tuple[str, str]],
) -> Iterator[tuple[str, str]]:
    """Of one side's blocks, those that the other did not remove, or that were changed here."""
    before, now = words(base), words(changed)
    for block in blocks:
        places = [(language, "text", block[0]) for language in changed]
        is_changed = any(before.get(place) != now.get(place) for place in places)
        if block in other or block not in was or is_changed:
            yield block
