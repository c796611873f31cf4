"""Countries by their ISO 3166 code, named as the Unicode CLDR names them."""

import unicodedata
from collections.abc import Mapping
from functools import cache

from babel import Locale

# Codes of the CLDR that are no country or territory.
NOT_COUNTRIES = {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}


@cache
def countries(language: str) -> list[tuple[str, str]]:
    """Code and name of each country, by name as the language's readers look for it."""
    names = _territories(language)
    named = [(code, name) for code, name in names.items() if len(code) == 2 and code.isalpha()]
    return sorted((item for item in named if item[0] not in NOT_COUNTRIES), key=lambda item: _key(item[1]))


def country_name(code: str, language: str) -> str:
    """The name of a country; its code where the CLDR has none."""
    return _territories(language).get(code, code)


@cache
def _territories(language: str) -> Mapping[str, str]:
    territories: Mapping[str, str] = Locale.parse(language, sep="-").territories
    return territories


def _key(name: str) -> str:
    # "Ё" and "Å" stand with "Е" and "A"; "Й" and "Ў" are letters of their own but sort right as they are.
    return unicodedata.normalize("NFKD", name).casefold()
