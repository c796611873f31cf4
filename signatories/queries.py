"""What the pages of other apps show of signatures."""

from dataclasses import dataclass

from django.conf import settings

from letters.models import Letter
from signatories.ordering import in_order


@dataclass(frozen=True, slots=True)
class Signatory:
    """All that is public of a signature, and nothing else of it: light, for lists hold thousands."""

    name: str
    names: dict[str, str]
    country: str
    is_lead: bool


@dataclass(frozen=True)
class SignatoryList:
    """The public names in their order, and how many more stand behind the letter unnamed."""

    named: list[Signatory]
    withheld: int

    @property
    def count(self) -> int:
        return len(self.named) + self.withheld


def signatory_list(letter: Letter, language: str) -> SignatoryList:
    """Who stands under a letter, named in `language` and in its order; `names` has those that are stated."""
    default = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    codes = dict.fromkeys((default, *(code for code, _ in settings.LANGUAGES)))
    rows = letter.signatures.public().values_list("country", "is_lead", *(f"name_{code}" for code in codes))
    found = []
    for country, is_lead, *stated in rows:
        names = {code: name for code, name in zip(codes, stated, strict=True) if name}
        found.append(Signatory(names.get(language) or names[default], names, country, is_lead))
    named = in_order(found, language, name=lambda row: row.name, lead=lambda row: row.is_lead)
    return SignatoryList(named=named, withheld=letter.signatures.withheld().count())


def signatory_count(letter: Letter) -> int:
    """How many stand under a letter, the unnamed among them."""
    return letter.signatures.approved().count()
