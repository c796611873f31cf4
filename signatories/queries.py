"""What the pages of other apps show of signatures."""

from dataclasses import dataclass

from letters.models import Letter
from signatories.models import Signature
from signatories.ordering import in_order


@dataclass(frozen=True)
class SignatoryList:
    """The public names in their order, and how many more stand behind the letter unnamed."""

    named: list[Signature]
    withheld: int

    @property
    def count(self) -> int:
        return len(self.named) + self.withheld


def signatory_list(letter: Letter, language: str) -> SignatoryList:
    """Who stands under a letter, in the order of `language`, which is also the active one."""
    named = in_order(letter.signatures.public(), language, name=lambda row: row.name, lead=lambda row: row.is_lead)
    return SignatoryList(named=named, withheld=letter.signatures.withheld().count())
