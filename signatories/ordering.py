"""The order of a list: lead organisations first, then as given, or by name as the page's readers look for it."""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from signatories.folding import fold_name

# Letters in the order of the alphabet, each with the letters of neighbours that stand with it.
ALPHABETS = {
    "be": "а б в гґ д еє ё ж з іиї й к л м н о п р с т у ў ф х ц ч шщ ы ьъ э ю я",
    "ru": "а б в гґ д еёє ж з иії й к л м н о п р с т уў ф х ц ч ш щ ъ ы ь э ю я",
}
PLACES = {
    language: {letter: place for place, group in enumerate(alphabet.split()) for letter in group}
    for language, alphabet in ALPHABETS.items()
}

# Words before a name that a rule may leave out of the count, in the languages that most organisations are named in.
ARTICLES = {
    "the", "a", "an", "le", "la", "les", "l", "der", "die", "das", "el", "los", "las", "il", "lo", "gli", "os", "as",
}  # fmt: skip

Row = TypeVar("Row")


@dataclass(frozen=True)
class Rule:
    """How a letter lists its signatories: by name, or in the order in which the rows are given."""

    by_name: bool = True
    ignores_articles: bool = False


def in_order(
    rows: Iterable[Row], language: str, *, rule: Rule, name: Callable[[Row], str], lead: Callable[[Row], bool]
) -> list[Row]:
    """`rows` as they are listed in `language`: lead organisations, then by `rule`.

    By name, the alphabet of the language comes first, then other scripts.
    """
    if not rule.by_name:
        return sorted(rows, key=lambda row: not lead(row))
    return sorted(
        rows, key=lambda row: (not lead(row), name_key(name(row), language, rule.ignores_articles), name(row))
    )


@lru_cache(maxsize=50_000)  # a list of thousands is written again for each name that joins it
def name_key(name: str, language: str, ignores_articles: bool = False) -> str:
    """Where a name stands: case, accents, punctuation and quotation marks don't count. Compared as strings are."""
    places = PLACES.get(language, {})
    counted = _counted(name, ignores_articles)
    return "".join(chr(group) + chr(place) for group, place in (_letter_key(letter, places) for letter in counted))


def _counted(name: str, ignores_articles: bool) -> str:
    """What of a name counts in the order. A name that is nothing but an article is not left empty."""
    folded = fold_name(name)
    first, _, rest = folded.partition(" ")
    return rest if ignores_articles and rest and first in ARTICLES else folded


def _letter_key(letter: str, places: dict[str, int]) -> tuple[int, int]:
    if letter == " ":
        return 0, 0
    if letter.isdigit():
        return 1, ord(letter)
    if letter in places:
        return 2, places[letter]
    return 3, ord(unicodedata.normalize("NFKD", letter)[0])


@lru_cache(maxsize=50_000)
def initial(name: str, language: str, ignores_articles: bool = False) -> str:
    """The letter under which a name stands in the list of `language`; "#" for digits and signs."""
    first = _counted(name, ignores_articles)[:1]
    places = PLACES.get(language, {})
    if first in places:
        return ALPHABETS[language].split()[places[first]][0].upper()
    return unicodedata.normalize("NFKD", first)[0].upper() if first.isalpha() else "#"
