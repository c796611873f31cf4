"""What speaks for a signature and what against it: evidence of authority, names that meet, and what both weigh.

The machine notes and warns. It links no signature to an organisation and refuses none; that is for people.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from enum import IntEnum
from itertools import combinations, pairwise

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from ledger.services import witness
from signatories import lookalikes
from signatories.authority import Grade, grade_of_address, own_domain
from signatories.models import Alias, Evidence, MandatedSigner, NameKey, Organisation, Signature
from signatories.states import OrganisationStatus, SignatureStatus

# A stranger can have any number of these by filling in the form; and a withdrawn one is over.
NOT_MET = (SignatureStatus.UNCONFIRMED, SignatureStatus.WITHDRAWN)
WAITING = (SignatureStatus.PENDING, SignatureStatus.ASKED)
MET_AT_MOST = 3000  # keys that a page of the queue looks at
SHOWN_AT_MOST = 10  # doubts about one signature
CROWD = 50  # rows under one key that are not all set side by side


class Weight(IntEnum):
    """What each kind of doubt adds to `Signature.risk`, once. Each outweighs all below it together."""

    DISPUTED = 1000
    LETTERS = 100
    ALIKE = 40
    ELSEWHERE = 20
    UNPROVEN = 10
    UNKNOWN = 1


class NotEvidence(ValueError):
    """What lacks its address and date, or its note; or what only the machine may find."""


@dataclass(frozen=True)
class Doubt:
    """One reason to look twice, in a sentence; beside which signature of the letter or organisation of the registry."""

    weight: Weight
    reason: str | Promise
    signature: Signature | None = None
    organisation: Organisation | None = None


def assess(signature: Signature) -> None:
    """Look at a signature anew: after it was confirmed, recorded, imported, corrected or handed over.

    To be called in the transaction of that. Those that it meets and that wait for a decision are weighed anew, too.
    """
    with transaction.atomic():
        Signature.objects.select_for_update().only("pk").get(pk=signature.pk)  # of two at once, one after the other
        write_name_keys(signature)
        signature.evidence.filter(by=None).delete()
        Evidence.objects.bulk_create(_found(signature, organisation_of(signature)))
        found = weigh(signature)
        met = {doubt.signature.pk: doubt.signature for doubt in found if doubt.signature}
        weigh(*(other for other in met.values() if other.status in WAITING))


def add_evidence(
    signature: Signature, *, grade: Grade, by: User, address: str = "", dated: date | None = None, note: str = ""
) -> Evidence:
    """What staff found out: an announcement (where, when), a call-back or a paper (a note). Raises `NotEvidence`."""
    complete = {
        Grade.ANNOUNCEMENT: bool(address and dated),
        Grade.CALL_BACK: bool(note),
        Grade.PAPER: bool(note),
    }
    if not complete.get(grade, False):
        raise NotEvidence(grade)
    with transaction.atomic():
        Signature.objects.select_for_update().only("pk").get(pk=signature.pk)
        evidence: Evidence = signature.evidence.create(grade=grade, by=by, address=address, dated=dated, note=note)
        witness(signature, "evidence", by=by)
        weigh(signature)
    return evidence


def weigh(*signatures: Signature) -> list[Doubt]:
    """Keep the highest grade of the evidence and the sum of the doubts on each, for the queue's order."""
    pks = [signature.pk for signature in signatures]
    graded = Evidence.objects.filter(signature__in=pks).values_list("signature").annotate(models.Max("grade"))
    grades: dict[int, int] = dict(graded.order_by())
    for signature in signatures:
        signature.grade = grades.get(signature.pk, Grade.NONE)
    found = doubts(signatures)
    for signature in signatures:
        signature.risk = _risk(signature, found[signature.pk])
        Signature.objects.filter(pk=signature.pk).update(grade=signature.grade, risk=signature.risk)
    return [doubt for about in found.values() for doubt in about]


def write_name_keys(row: Signature | Organisation) -> None:
    """Have `row` found under its names as they are now. An organisation's other names and its acronym count."""
    aliases = [alias.name for alias in row.aliases.all()] if isinstance(row, Organisation) else []
    keys = lookalikes.name_keys(*_names(row), *aliases)
    row.name_keys.all().delete()
    NameKey.objects.bulk_create(row.name_keys.model(**_owner(row), kind=kind, key=key) for kind, key in sorted(keys))


def organisation_of(signature: Signature) -> Organisation | None:
    """The organisation of the registry that a signature speaks for, if any.

    The one that it was linked to; else the one that goes by this very name in this country; else the one invited, if it
    goes by much the same name.
    """
    if signature.kind != Signature.Kind.ORGANISATION:
        return None
    if signature.organisation:
        return signature.organisation
    named = Q(folded_name=signature.folded_name) | Q(
        name_keys__kind=lookalikes.Kind.SAME, name_keys__key__in=_same_keys(_names(signature))
    )
    found = Organisation.objects.live().filter(named, country=signature.country).order_by("pk").first()
    return found or _invited(signature)


def signatures_alike(organisation: Organisation) -> list[tuple[Signature, lookalikes.Kind]]:
    """Signatures that may be the organisation's by their names, and that nothing else ties to it; the likest first.

    None that is unconfirmed: whatever a stranger types in the form is kept from meeting anything.
    """
    names = [*_names(organisation), *(alias.name for alias in organisation.aliases.all())]
    keys = {key for _kind, key in lookalikes.name_keys(*names)}
    met = NameKey.objects.filter(key__in=keys, signature__isnull=False).order_by("-pk")[:MET_AT_MOST]
    own = Signature.objects.of_organisation(organisation).values("pk")
    others = Signature.objects.exclude(status__in=NOT_MET).exclude(pk__in=own).select_related("letter")
    found = others.filter(pk__in={row.signature_id for row in met})
    kinds = [(signature, lookalikes.likeness(_names(signature), names)) for signature in found]
    likely = [(signature, kind) for signature, kind in kinds if kind and kind in _telling(signature)]
    order = list(lookalikes.Kind)
    return sorted(likely, key=lambda pair: (order.index(pair[1]), pair[0].folded_name, pair[0].pk))


def doubts(signatures: Iterable[Signature]) -> dict[int, list[Doubt]]:
    """What speaks against each of `signatures`, by its key, the weightiest first. Two queries, however many they are.

    Their evidence is taken as it is kept on them (`grade`).
    """
    listed = list(signatures)
    names = {signature.pk: tuple(_names(signature)) for signature in listed}
    met = _Met(listed, names)
    found = {}
    for signature in listed:
        about = [*_doubts_of_itself(signature, names[signature.pk]), *met.doubts(signature, names[signature.pk])]
        found[signature.pk] = sorted(about, key=lambda doubt: -doubt.weight)[:SHOWN_AT_MOST]
    return found


@dataclass(frozen=True)
class Pair:
    """Two signatories of one list that may be one, and why."""

    one: Signature
    other: Signature
    kind: str
    reason: str | Promise


def alike_among(signatures: Iterable[Signature]) -> Iterator[Pair]:
    """Those of a list whose names may be one organisation's, or one person's. No query."""
    names = {signature: tuple(_names(signature)) for signature in signatures}
    by_key: dict[tuple[str, str], list[Signature]] = defaultdict(list)
    for signature, stated in names.items():
        for key in lookalikes.name_keys(*stated):
            by_key[key].append(signature)
    for one, other in _met_among(by_key.values()):
        kind = lookalikes.likeness(names[one], names[other]) if one.kind == other.kind else None
        if kind and kind in _telling(one):
            yield Pair(one, other, kind, kind.label)


def twice_among(signatures: Iterable[Signature]) -> Iterator[Pair]:
    """Organisations of a list that were signed for from one mailbox, or that state one website. No query."""
    by_mailbox: dict[str, list[Signature]] = defaultdict(list)
    by_site: dict[str, list[Signature]] = defaultdict(list)
    for signature in signatures:
        if signature.kind == Signature.Kind.ORGANISATION:
            by_mailbox[signature.mailbox].append(signature)
            by_site[own_domain(signature.website)].append(signature)
    by_mailbox.pop("", None)
    by_site.pop("", None)
    same_mailbox = set(_met_among(by_mailbox.values()))
    for one, other in sorted(same_mailbox, key=lambda pair: (pair[0].pk, pair[1].pk)):
        yield Pair(one, other, "mailbox", ONE_MAILBOX)
    for one, other in _met_among(by_site.values()):
        if (one, other) not in same_mailbox:
            yield Pair(one, other, "website", ONE_WEBSITE)


def _met_among(groups: Iterable[list[Signature]]) -> list[tuple[Signature, Signature]]:
    """Every two that share a group, once, in their order; of a crowd, each and the next."""
    pairs = {
        pair
        for group in groups
        for listed in [sorted(group, key=lambda row: row.pk)]
        for pair in (pairwise(listed) if len(listed) > CROWD else combinations(listed, 2))
    }
    return sorted(pairs, key=lambda pair: (pair[0].pk, pair[1].pk))


class _Met:
    """The rows that names of a page's signatures meet, with their names."""

    def __init__(self, signatures: list[Signature], names: Mapping[int, tuple[str, ...]]) -> None:
        keys = lookalikes.name_keys(*(name for stated in names.values() for name in stated))
        letters = {signature.letter_id for signature in signatures}
        rows = (
            NameKey.objects.filter(key__in={key for _kind, key in keys})
            .filter(_of_organisations() | _of_signatures(letters))
            .select_related("signature", "organisation")
            .defer("signature__representative", "signature__role", "signature__email")
            .order_by("pk")[:MET_AT_MOST]
        )
        self.by_key: dict[tuple[str, str], list[Signature | Organisation]] = defaultdict(list)
        organisations = {}
        for row in rows:
            other = row.signature or row.organisation
            assert other is not None
            self.by_key[row.kind, row.key].append(other)
            if isinstance(other, Organisation):
                organisations[other.pk] = other
        self.aliases: dict[int, list[str]] = defaultdict(list)
        for organisation, alias in Alias.objects.filter(organisation__in=organisations).values_list(
            "organisation", "name"
        ):
            self.aliases[organisation].append(alias)

    def doubts(self, signature: Signature, names: tuple[str, ...]) -> Iterator[Doubt]:
        """About one of the signatures, beside each row that it meets."""
        keys = lookalikes.name_keys(*names)
        others = {(type(other), other.pk): other for key in keys for other in self.by_key.get(key, ())}
        for other in others.values():
            if isinstance(other, Signature):
                yield from self._beside_signature(signature, names, other)
            elif signature.kind == Signature.Kind.ORGANISATION:
                yield from self._beside_organisation(signature, names, other)

    def _beside_signature(self, signature: Signature, names: tuple[str, ...], other: Signature) -> Iterator[Doubt]:
        is_rival = other.pk != signature.pk and (other.letter_id, other.kind) == (signature.letter_id, signature.kind)
        kind = lookalikes.likeness(names, _names(other)) if is_rival else None
        if kind and kind in _telling(signature):
            yield Doubt(_weight(kind), kind.label, signature=other)

    def _beside_organisation(
        self, signature: Signature, names: tuple[str, ...], other: Organisation
    ) -> Iterator[Doubt]:
        its_names = [*_names(other), *self.aliases[other.pk]]
        if _speaks_for(signature, names, other, its_names):
            if other.domains and signature.grade < Grade.DOMAIN:
                yield Doubt(Weight.ELSEWHERE, ELSEWHERE, organisation=other)
        elif kind := lookalikes.likeness(names, its_names):
            yield Doubt(_weight(kind), kind.label, organisation=other)


ELSEWHERE = _("The registry knows this organisation by other domains than that of the address.")
ONE_MAILBOX = _("Both were signed for from one mailbox.")
ONE_WEBSITE = _("Both state the same website.")
DISPUTED = _("The organisation has told us that this is not its signature.")


def _doubts_of_itself(signature: Signature, names: tuple[str, ...]) -> Iterator[Doubt]:
    if signature.disputed_at:
        yield Doubt(Weight.DISPUTED, DISPUTED)
    if lookalikes.foreign_letters(*names):
        yield Doubt(Weight.LETTERS, _("The name holds letters of another script that look like those around them."))


def _risk(signature: Signature, found: list[Doubt]) -> int:
    weights = {doubt.weight for doubt in found}
    if signature.kind == Signature.Kind.ORGANISATION:
        weights |= {Weight.UNPROVEN} if signature.grade == Grade.NONE else set()
        weights |= set() if signature.organisation_id else {Weight.UNKNOWN}
    return sum(weights)


def _found(signature: Signature, organisation: Organisation | None) -> Iterator[Evidence]:
    """What the machine sees: a mandate, and where the mailbox is. Nothing for an individual, who speaks for nobody."""
    if not signature.email or signature.kind != Signature.Kind.ORGANISATION:
        return
    if organisation and _is_mandated(signature, organisation):
        yield Evidence(signature=signature, grade=Grade.MANDATE)
    domains = organisation.domains if organisation else []
    grade = grade_of_address(signature.email, website=signature.website, domains=domains)
    if grade != Grade.NONE:
        yield Evidence(signature=signature, grade=grade)


def _is_mandated(signature: Signature, organisation: Organisation) -> bool:
    """On the day of signing. The index finds a mailbox without dots and tags; at some servers these make another's."""
    day = signature.signed_at.astimezone(UTC).date()
    in_force = Q(since__lte=day) & (Q(until=None) | Q(until__gte=day))
    signers = MandatedSigner.objects.filter(in_force, organisation=organisation, mailbox=signature.mailbox)
    return any(signer.email.casefold() == signature.email.casefold() for signer in signers)


def _invited(signature: Signature) -> Organisation | None:
    invited = signature.invitation.organisation if signature.invitation else None
    if invited is None or invited.status == OrganisationStatus.MERGED or invited.country != signature.country:
        return None
    kind = lookalikes.likeness(_names(signature), [*_names(invited), *(alias.name for alias in invited.aliases.all())])
    return invited if kind in (lookalikes.Kind.SAME, lookalikes.Kind.PART) else None


def _speaks_for(signature: Signature, names: Iterable[str], other: Organisation, its_names: Iterable[str]) -> bool:
    if signature.organisation_id:
        return signature.organisation_id == other.pk
    return signature.country == other.country and bool(_same_keys(names) & _same_keys(its_names))


def _same_keys(names: Iterable[str]) -> set[str]:
    return {key for kind, key in lookalikes.name_keys(*names) if kind == lookalikes.Kind.SAME}


def _telling(signature: Signature) -> tuple[lookalikes.Kind, ...]:
    """Of two people's names, that they sound alike says nothing."""
    if signature.kind == Signature.Kind.INDIVIDUAL:
        return lookalikes.Kind.SAME, lookalikes.Kind.LETTERS
    return tuple(lookalikes.Kind)


def _weight(kind: lookalikes.Kind) -> Weight:
    return Weight.LETTERS if kind == lookalikes.Kind.LETTERS else Weight.ALIKE


def _of_organisations() -> Q:
    return Q(organisation__isnull=False) & ~Q(organisation__status=OrganisationStatus.MERGED)


def _of_signatures(letters: set[int]) -> Q:
    return Q(signature__letter__in=letters) & ~Q(signature__status__in=NOT_MET)


def _names(row: Signature | Organisation) -> list[str]:
    """As stated in every language, and the acronym of an organisation."""
    stated = [getattr(row, f"name_{language}") for language in settings.SHIPPED_LANGUAGES]
    acronym = [row.acronym] if isinstance(row, Organisation) else []
    return [name for name in (*stated, *acronym) if name]


def _owner(row: Signature | Organisation) -> dict[str, Signature | Organisation]:
    return {"organisation" if isinstance(row, Organisation) else "signature": row}
