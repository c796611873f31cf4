"""What an edition has that the one before it had not. Who is in it no more is counted for staff, and never named."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dispatch.content import frozen, presented, signatories_of
from dispatch.models import Edition
from letters.differences import Difference, differences
from letters.models import Letter
from signatories.queries import Signatory, given_order

Content = dict[str, Any]


@dataclass(frozen=True)
class Changes:
    """Between two editions, in one language. `gone` are names that were given and are not any more.

    `organisations` and `individuals` are how many there were and are, with those whose names are withheld.
    """

    since: Edition
    added: list[Signatory]
    corrected: list[Signatory]
    gone: int
    organisations: tuple[int, int]
    individuals: tuple[int, int]
    text: list[Difference]
    new_addressees: list[str]
    former_addressees: list[str]

    @property
    def is_news(self) -> bool:
        """Whether there is anything that everybody is told. That somebody left is announced to nobody."""
        return any((self.added, self.corrected, self.text, self.new_addressees, self.former_addressees))

    @property
    def is_nothing(self) -> bool:
        counted = (self.organisations, self.individuals)
        return not (self.is_news or self.gone) and all(before == now for before, now in counted)


def changes(edition: Edition, language: str) -> Changes | None:
    """Since the last public edition before `edition`; None for the first."""
    before = edition.letter.editions.public().filter(number__lt=edition.number).first()
    return _between(before, edition.content, language) if before else None


def changes_to_come(letter: Letter, language: str) -> Changes | None:
    """What an edition that is cut now would have that the latest public one has not; None where there is none yet."""
    before = letter.editions.public().first()
    if before is None:
        return None
    signatures = list(given_order(letter.signatures.binding(letter), letter))
    content = frozen(letter, before.number + 1, signatures, certificate="")
    return _between(before, content, language)


def _between(edition: Edition, after: Content, language: str) -> Changes:
    before = edition.content
    earlier, now = _by_key(before), _by_key(after)
    new = {key for key in now if key not in earlier}
    corrected = {key for key in now if key in earlier and _as_printed(now[key]) != _as_printed(earlier[key])}
    then, today = _addressees(before, language), _addressees(after, language)
    return Changes(
        since=edition,
        added=_those(after, new, language),
        corrected=_those(after, corrected, language),
        gone=len(earlier.keys() - now.keys()),
        organisations=(_counted(before), _counted(after)),
        individuals=(_counted(before, individuals=True), _counted(after, individuals=True)),
        text=differences(_text(before, language), _text(after, language)),
        new_addressees=[name for name in today if name not in then],
        former_addressees=[name for name in then if name not in today],
    )


def _by_key(content: Content) -> dict[int, dict[str, Any]]:
    return {entry["signature"]: entry for entry in content["signatories"]}


def _as_printed(entry: dict[str, Any]) -> tuple[Any, ...]:
    return entry["name"], entry["country"], entry["affiliation"]


def _those(content: Content, keys: set[int], language: str) -> list[Signatory]:
    """In the order in which the edition lists them."""
    chosen = {**content, "signatories": [entry for entry in content["signatories"] if entry["signature"] in keys]}
    listed = signatories_of(chosen, language)
    return [*listed.named, *listed.individuals]


def _counted(content: Content, *, individuals: bool = False) -> int:
    """With those whose names are withheld."""
    named = sum(bool(entry["is_individual"]) == individuals for entry in content["signatories"])
    withheld: int = content["withheld_individuals" if individuals else "withheld"]
    return named + withheld


def _text(content: Content, language: str) -> dict[str, Any]:
    """Empty in a language that the site had not got at the time."""
    text: dict[str, Any] = content["languages"].get(language, {})
    return text


def _addressees(content: Content, language: str) -> list[str]:
    return list(dict.fromkeys(_named(content, language)))


def _named(content: Content, language: str) -> Iterator[str]:
    for entry in content["recipients"]:
        if language in entry:
            yield presented(entry[language])
