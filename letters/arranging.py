"""What the buttons between the blocks of a text do: put in a new one, leave one out, move one. Nothing is saved."""

from collections.abc import Iterable

from letters.content import Content, made_of, structure, words
from letters.models import Block, Letter


def arranged(content: Content, do: str, *, used: Iterable[str]) -> Content:
    """`content` after one button: "add <kind> <key>" (behind that block, or first), "remove|up|down <key>".

    A new block gets a key that is none of `used`. A button that means nothing changes nothing.
    """
    verb, _, rest = do.partition(" ")
    blocks = structure(content)
    if verb == "add":
        kind, _, behind = rest.partition(" ")
        blocks = _with_new(blocks, kind, behind, used={*used, *dict(blocks)})
    elif verb == "remove":
        blocks = [block for block in blocks if block[0] != rest]
    elif verb in ("up", "down"):
        blocks = _moved(blocks, rest, -1 if verb == "up" else 1)
    return made_of(blocks, words(content), languages=content)


def used_keys(letter: Letter) -> set[str]:
    """Those of every version: a key names one block for ever."""
    found = set(letter.blocks.values_list("key", flat=True))
    for content in letter.versions.values_list("content", flat=True):
        found |= {key for key, _kind in structure(content)}
    return found


def _with_new(blocks: list[tuple[str, str]], kind: str, behind: str, *, used: set[str]) -> list[tuple[str, str]]:
    if kind not in Block.Kind.values:
        return blocks
    number = next(number for number in range(1, len(used) + 2) if f"{kind}-{number}" not in used)
    position = [key for key, _kind in blocks].index(behind) + 1 if behind in dict(blocks) else 0
    return [*blocks[:position], (f"{kind}-{number}", kind), *blocks[position:]]


def _moved(blocks: list[tuple[str, str]], key: str, step: int) -> list[tuple[str, str]]:
    keys = [other for other, _kind in blocks]
    if key not in keys or not 0 <= keys.index(key) + step < len(keys):
        return blocks
    position, moved = keys.index(key), [*blocks]
    moved[position], moved[position + step] = moved[position + step], moved[position]
    return moved
