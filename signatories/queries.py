"""What the pages of other apps show of signatures."""

from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q

from letters.models import Letter, Version
from signatories.authority import Grade
from signatories.models import Signature, SignatureQuerySet
from signatories.ordering import Rule, in_order
from signatories.states import SignatureStatus


@dataclass(frozen=True, slots=True)
class Signatory:
    """All that is public of a signature, and nothing else of it: light, for lists hold thousands.

    `affiliation` is an individual's, who signs for nobody else.
    """

    name: str
    names: dict[str, str]
    country: str
    is_lead: bool = False
    is_individual: bool = False
    affiliation: str = ""
    joined_later: bool = False
    signed_earlier_text: bool = False


@dataclass(frozen=True)
class Copy:
    """A copy of an edition that went to an office, or may have: there it names the organisation for good."""

    edition: int
    office: str
    state: str
    at: datetime | None


@dataclass(frozen=True)
class SignatoryList:
    """Who stands under a letter: the names in their order, and how many there are, with those that nobody may name.

    `joined` are organisations that joined after the letter was first delivered. `earlier` signed a text whose meaning
    has changed since, and have been asked whether they keep their signature: they count for nothing until they do.
    A list that is not complete names lead organisations alone.
    """

    count: int
    withheld: int
    individual_count: int
    withheld_individuals: int
    is_complete: bool = True
    named: list[Signatory] = field(default_factory=list)
    joined: list[Signatory] = field(default_factory=list)
    individuals: list[Signatory] = field(default_factory=list)
    earlier: list[Signatory] = field(default_factory=list)


def rule_of(letter: Letter) -> Rule:
    """How the signatories of `letter` are listed, on its pages and in its PDFs."""
    return Rule(by_name=letter.signatory_order == Letter.Order.NAME, ignores_articles=letter.ignores_articles)


def given_order(signatures: SignatureQuerySet, letter: Letter) -> SignatureQuerySet:
    """Lead organisations first, then in the order that the letter gives: by hand, else by date of signing."""
    by_hand = [F("position").asc(nulls_last=True)] if letter.signatory_order == Letter.Order.HAND else []
    return signatures.order_by("-is_lead", *by_hand, "signed_at", "pk")


def signatory_list(letter: Letter, language: str, *, at_most: int | None = None) -> SignatoryList:
    """Who stands under a letter, named in `language` and in its order; lead organisations alone of more than `at_most`.

    `names` of each has the languages in which its name was stated.
    """
    binding_number = letter.binding_number
    signed = letter.signatures.approved().filter(version__number__gte=binding_number).order_by()
    counted = {
        (kind, visibility): count
        for kind, visibility, count in signed.values_list("kind", "visibility").annotate(Count("pk"))
    }
    organisation, individual = Signature.Kind.ORGANISATION, Signature.Kind.INDIVIDUAL
    public, withheld = Signature.Visibility.PUBLIC, Signature.Visibility.WITHHELD
    is_complete = at_most is None or counted.get((organisation, public), 0) <= at_most
    names = letter.signatures.public()
    rows = _named(names if is_complete else names.filter(is_lead=True), letter, binding_number, language)
    signatories = [row for row in rows if not row.signed_earlier_text]
    return SignatoryList(
        count=sum(counted.get((organisation, visibility), 0) for visibility in (public, withheld)),
        withheld=counted.get((organisation, withheld), 0),
        individual_count=sum(counted.get((individual, visibility), 0) for visibility in (public, withheld)),
        withheld_individuals=counted.get((individual, withheld), 0),
        is_complete=is_complete,
        named=[row for row in signatories if not (row.is_individual or row.joined_later)],
        joined=[row for row in signatories if not row.is_individual and row.joined_later],
        individuals=[row for row in signatories if row.is_individual],
        earlier=[row for row in rows if row.signed_earlier_text],
    )


def signatory_count(letter: Letter) -> int:
    """How many organisations stand under the text of a letter as it is, the unnamed among them."""
    return letter.signatures.binding(letter).of_organisations().count()


def _named(signatures: SignatureQuerySet, letter: Letter, binding_number: int, language: str) -> list[Signatory]:
    default = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    codes = dict.fromkeys((default, *(code for code, _ in settings.LANGUAGES)))
    columns = ("country", "is_lead", "kind", "affiliation", "delivered_at", "version__number")
    rows = list(given_order(signatures, letter).values_list(*columns, *(f"name_{code}" for code in codes)))
    is_delivered = any(delivered_at for _, _, _, _, delivered_at, *_ in rows)
    found = []
    for country, is_lead, kind, affiliation, delivered_at, number, *stated in rows:
        names = {code: name for code, name in zip(codes, stated, strict=True) if name}
        found.append(
            Signatory(
                name=names.get(language) or names[default],
                names=names,
                country=country,
                is_lead=is_lead,
                is_individual=kind == Signature.Kind.INDIVIDUAL,
                affiliation=affiliation,
                joined_later=is_delivered and delivered_at is None,
                signed_earlier_text=number < binding_number,
            )
        )
    return in_order(found, language, rule=rule_of(letter), name=lambda row: row.name, lead=lambda row: row.is_lead)


@dataclass(frozen=True)
class Renewal:
    """How those who had signed an earlier text answered to a new one."""

    kept: int
    waiting: int
    lapsed: int
    withdrawn: int


def renewal(version: Version) -> Renewal:
    """Of those whom a material version asked; whoever a later one asks again counts there."""
    asked = Signature.objects.filter(asked_version=version)
    gone = Q(status__in=(SignatureStatus.LAPSED, SignatureStatus.WITHDRAWN, SignatureStatus.REJECTED))
    kept = Q(version__number__gte=version.number)
    return Renewal(
        **asked.aggregate(
            kept=Count("pk", filter=kept & ~gone),
            waiting=Count("pk", filter=~kept & ~gone),
            lapsed=Count("pk", filter=Q(status=SignatureStatus.LAPSED)),
            withdrawn=Count("pk", filter=Q(status=SignatureStatus.WITHDRAWN)),
        )
    )


def not_asked_by_mail(version: Version) -> SignatureQuerySet:
    """Of those who have to say whether they keep their signature under `version`: whom staff have to ask.

    They left no address, or may not be written to: see `emails`.
    """
    letter = version.letter
    waiting = letter.signatures.standing().filter(version__number__lt=version.number)
    if version.number != letter.binding_number:
        return waiting.none()
    hidden = waiting.filter(visibility=Signature.Visibility.WITHHELD)
    unsafe = hidden.exclude(pk__in=hidden.unlocked().values("pk"))
    return waiting.filter(Q(mailbox="") | Q(pk__in=unsafe.values("pk"))).order_by("-is_lead", "folded_name", "pk")


def text_of(version: Version, language: str) -> dict[str, Any]:
    """In `language`, or in the site's own where the version was not saved in that."""
    return version.text(language if language in version.content else settings.MODELTRANSLATION_DEFAULT_LANGUAGE)


def reasons(letter: Letter, *, since: Version, language: str) -> list[str]:
    """Why the meaning of the text changed after the version `since`, the earliest change first."""
    later = letter.versions.filter(is_material=True, number__gt=since.number).order_by("number")
    default = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    said = [
        getattr(version, f"reason_{language}", "") or getattr(version, f"reason_{default}") or "" for version in later
    ]
    return [reason for reason in said if reason]


@dataclass(frozen=True)
class Authority:
    """How sure we are that those who signed might sign: how many by grade of evidence, the strongest first.

    `doubtful` are those without any, or to which the organisation itself objected, each with the name that it goes by:
    not all of them, and none whose name is withheld. `unnamed` is how many more there are.
    """

    grades: list[tuple[Grade, int]]
    doubtful: list[tuple[Signature, str]]
    unnamed: int


def authority_of(signatures: SignatureQuerySet, *, at_most: int = 50) -> Authority:
    counted = signatures.order_by("-grade").values_list("grade").annotate(Count("pk"))
    doubtful = signatures.filter(Q(grade=Grade.NONE) | Q(disputed_at__isnull=False))
    named = doubtful.filter(visibility=Signature.Visibility.PUBLIC).order_by("-disputed_at", "folded_name", "pk")
    own_name = attrgetter(f"name_{settings.MODELTRANSLATION_DEFAULT_LANGUAGE}")
    listed = [(signature, own_name(signature)) for signature in named[:at_most]]
    return Authority(
        grades=[(Grade(grade), count) for grade, count in counted],
        doubtful=listed,
        unnamed=doubtful.count() - len(listed),
    )
