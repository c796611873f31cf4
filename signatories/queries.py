"""What the pages of other apps show of signatures."""

from dataclasses import dataclass

from letters.models import Letter
from signatories.models import Signature


@dataclass(frozen=True)
class SignatoryList:
    """The public names in their order, and how many more stand behind the letter unnamed."""

    named: list[Signature]
    withheld: int

    @property
    def count(self) -> int:
        return len(self.named) + self.withheld


def signatory_list(letter: Letter) -> SignatoryList:
    return SignatoryList(named=list(letter.signatures.public()), withheld=letter.signatures.withheld().count())
