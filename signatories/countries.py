"""Countries by their ISO 3166 code, named as the Unicode CLDR names them."""

import unicodedata
from collections.abc import Mapping
from functools import cache

from babel import Locale
from babel.core import get_global
from django.conf import settings

from signatories.folding import fold_name

# Codes of the CLDR that are no country or territory.
NOT_COUNTRIES = {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}
# Names in common use that are not the CLDR's, as they are folded.
OTHERWISE = {
    "AE": "uae",
    "BY": "republic of belarus, рэспубліка беларусь, республика беларусь, белоруссия",
    "CD": "d r congo, dr congo, drc, democratic republic of congo, democratic republic of the congo",
    "CG": "congo, republic of congo, republic of the congo",
    "CI": "cote d ivoire, ivory coast",
    "CZ": "czech republic, чэшская рэспубліка, чешская республика",
    "GB": "u k, uk, britain, great britain, england, scotland, wales, northern ireland, вялікабрытанія, великобритания",
    "HK": "hong kong",
    "KG": "киргизия, кыргызстан",
    "KR": "korea, republic of korea",
    "MD": "молдавия",
    "MK": "macedonia",
    "MM": "burma",
    "NL": "holland, голландия",
    "PS": "palestine, палестына, палестина",
    "RU": "russian federation, расійская федэрацыя, российская федерация",
    "SZ": "swaziland",
    "TR": "turkey, турция, турцыя",
    "US": "u s, u s a, united states of america, сша, злучаныя штаты амерыкі, соединенные штаты америки",
    "VN": "viet nam",
    "XK": "kosovo",
}


@cache
def countries(language: str) -> list[tuple[str, str]]:
    """Code and name of each country, by name as the language's readers look for it."""
    names = _territories(language)
    named = [(code, name) for code, name in names.items() if len(code) == 2 and code.isalpha()]
    return sorted((item for item in named if item[0] not in NOT_COUNTRIES), key=lambda item: _key(item[1]))


@cache
def country_codes() -> frozenset[str]:
    return frozenset(code for code, _ in countries("en"))


def country_name(code: str, language: str) -> str:
    """The name of a country; its code where the CLDR has none."""
    return _territories(language).get(code, code)


def country_code(text: str) -> str:
    """The code of a country that is written by its code, of two or three letters, or by its name in a language of ours.

    "" where there is no such country.
    """
    folded = fold_name(text)
    codes = _codes()
    return codes.get(folded) or codes.get(folded.removeprefix("the ").replace(" and ", " "), "")


@cache
def _codes() -> dict[str, str]:
    known = {code for code, _name in countries(settings.LANGUAGE_CODE)}
    aliases = get_global("territory_aliases").items()
    three_letters = {alias.casefold(): codes[0] for alias, codes in aliases if len(alias) == 3 and len(codes) == 1}
    names = {fold_name(name): code for language in settings.SHIPPED_LANGUAGES for code, name in countries(language)}
    otherwise = {name: code for code, written in OTHERWISE.items() for name in written.split(", ")}
    found = {**three_letters, **names, **otherwise, **{code.casefold(): code for code in known}}
    return {name: code for name, code in found.items() if code in known}


@cache
def _territories(language: str) -> Mapping[str, str]:
    territories: Mapping[str, str] = Locale.parse(language, sep="-").territories
    return territories


def _key(name: str) -> str:
    # "Ё" and "Å" stand with "Е" and "A"; "Й" and "Ў" are letters of their own but sort right as they are.
    return unicodedata.normalize("NFKD", name).casefold()
