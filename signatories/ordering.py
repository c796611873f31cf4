"""The order of a list: lead organisations first, then by name, as readers of the page's language look for it."""

import unicodedata
from collections.abc import Callable, Iterable
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

Row = TypeVar("Row")


def in_order(
    rows: Iterable[Row], language: str, *, name: Callable[[Row], str], lead: Callable[[Row], bool]
) -> list[Row]:
    """`rows` as they are listed in `language`: the alphabet of the language first, then other scripts."""
    return sorted(rows, key=lambda row: (not lead(row), name_key(name(row), language), name(row)))


@lru_cache(maxsize=50_000)  # a list of thousands is written again for each name that joins it
def name_key(name: str, language: str) -> str:
    """Where a name stands: case, accents, punctuation and quotation marks don't count. Compared as strings are."""
    places = PLACES.get(language, {})
    return "".join(
        chr(group) + chr(place) for group, place in (_letter_key(letter, places) for letter in fold_name(name))
    )


def _letter_key(letter: str, places: dict[str, int]) -> tuple[int, int]:
    if letter == " ":
        return 0, 0
    if letter.isdigit():
        return 1, ord(letter)
    if letter in places:
        return 2, places[letter]
    return 3, ord(unicodedata.normalize("NFKD", letter)[0])


@lru_cache(maxsize=50_000)
def initial(name: str, language: str) -> str:
    """The letter under which a name stands in the list of `language`; "#" for digits and signs."""
    first = fold_name(name)[:1]
    places = PLACES.get(language, {})
    if first in places:
        return ALPHABETS[language].split()[places[first]][0].upper()
    return unicodedata.normalize("NFKD", first)[0].upper() if first.isalpha() else "#"
