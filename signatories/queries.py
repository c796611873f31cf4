"""What the pages of other apps show of signatures."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from letters.models import Letter
from signatories.models import SignatureQuerySet
from signatories.ordering import in_order


@dataclass(frozen=True, slots=True)
class Signatory:
    """All that is public of a signature, and nothing else of it: light, for lists hold thousands."""

    name: str
    names: dict[str, str]
    country: str
    is_lead: bool


@dataclass(frozen=True)
class Copy:
    """A copy of an edition that went to an office, or may have: there it names the organisation for good."""

    edition: int
    office: str
    state: str
    at: datetime | None


@dataclass(frozen=True)
class SignatoryList:
    """Public names in their order, how many more there are that are not listed, and how many that nobody may name."""

    named: list[Signatory]
    unlisted: int
    withheld: int

    @property
    def count(self) -> int:
        return len(self.named) + self.unlisted + self.withheld


def signatory_list(letter: Letter, language: str, *, at_most: int | None = None) -> SignatoryList:
    """Who stands under a letter, named in `language` and in its order; lead organisations alone of more than `at_most`.

    `names` of each has the languages in which its name was stated.
    """
    public = letter.signatures.public()
    total = public.count() if at_most is not None else 0
    if at_most is not None and total > at_most:
        named = _named(public.filter(is_lead=True), language)
        unlisted = total - len(named)
    else:
        named, unlisted = _named(public, language), 0
    return SignatoryList(named=named, unlisted=unlisted, withheld=letter.signatures.withheld().count())


def _named(signatures: SignatureQuerySet, language: str) -> list[Signatory]:
    default = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    codes = dict.fromkeys((default, *(code for code, _ in settings.LANGUAGES)))
    rows = signatures.values_list("country", "is_lead", *(f"name_{code}" for code in codes))
    found = []
    for country, is_lead, *stated in rows:
        names = {code: name for code, name in zip(codes, stated, strict=True) if name}
        found.append(Signatory(names.get(language) or names[default], names, country, is_lead))
    return in_order(found, language, name=lambda row: row.name, lead=lambda row: row.is_lead)


def signatory_count(letter: Letter) -> int:
    """How many stand under a letter, the unnamed among them."""
    return letter.signatures.approved().count()
