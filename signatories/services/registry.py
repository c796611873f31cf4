"""Organisations across letters: found, entered, changed, and two records made one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from ledger.services import Overtaken, move, record, witness
from letters.models import Letter
from signatories import logos
from signatories.folding import fold_name, mailbox
from signatories.lookalikes import KEY_LENGTH
from signatories.models import Alias, MandatedSigner, NameKey, Organisation, Signature
from signatories.models.organisation import OrganisationQuerySet
from signatories.services.evidence import WAITING, assess, write_name_keys
from signatories.services.signing import name_columns
from signatories.states import OrganisationStatus

AT_A_TIME = 500


class KnownAlready(Exception):
    """Another record goes by this name in this country."""

    def __init__(self, organisation: Organisation) -> None:
        super().__init__(str(organisation.pk))
        self.organisation = organisation


class BothApproved(Exception):
    """Both stand approved under the same letters, and one organisation can't stand there twice."""

    def __init__(self, letters: list[Letter]) -> None:
        super().__init__(", ".join(letter.slug for letter in letters))
        self.letters = letters


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What the registry holds of an organisation; cleaned. `names` are those in further languages than its own."""

    name: str
    country: str
    names: dict[str, str] = field(default_factory=dict)
    acronym: str = ""
    website: str = ""
    domains: list[str] = field(default_factory=list)
    public_email: str = ""
    member_since: date | None = None

    def columns(self) -> dict[str, Any]:
        return {
            **name_columns(self.name, self.names),
            "folded_name": fold_name(self.name),
            **{name: getattr(self, name) for name in ("country", "acronym", "website", "domains", "public_email")},
            "member_since": self.member_since,
        }


def search(organisations: OrganisationQuerySet, query: str) -> OrganisationQuerySet:
    """Those that go by something like `query`: a name in any language, another name, an acronym, a domain."""
    query = query.replace("\0", "").strip()
    folded = fold_name(query)
    if not folded:
        return organisations
    same = Exists(NameKey.objects.filter(organisation=OuterRef("pk"), key=folded[:KEY_LENGTH]))
    other = Exists(Alias.objects.filter(organisation=OuterRef("pk"), folded_name__contains=folded))
    found = Q(folded_name__contains=folded) | Q(domains__icontains=query) | Q(same) | Q(other)
    for spelling in {query, query.lower(), query.upper(), query.capitalize()}:  # SQLite folds English letters alone
        found |= Q(acronym__contains=spelling)
        for language in settings.SHIPPED_LANGUAGES:
            found |= Q(**{f"name_{language}__contains": spelling})
    return organisations.filter(found)


def by_name(names: Iterable[str]) -> dict[str, Organisation]:
    """The organisation that goes by each of `names`, where there is one such only."""
    folded = {name: fold_name(name) for name in names}
    wanted = list(set(folded.values()))
    known: dict[str, set[Organisation]] = defaultdict(set)
    for start in range(0, len(wanted), AT_A_TIME):
        part = wanted[start : start + AT_A_TIME]
        for organisation in Organisation.objects.live().filter(folded_name__in=part):
            known[organisation.folded_name].add(organisation)
        for alias in Alias.objects.filter(folded_name__in=part).select_related("organisation"):
            if alias.organisation.status != OrganisationStatus.MERGED:
                known[alias.folded_name].add(alias.organisation)
    return {name: next(iter(known[fold])) for name, fold in folded.items() if len(known[fold]) == 1}


def current(organisation: Organisation) -> Organisation:
    """The record that stands for `organisation` now; nobody merges it before the caller's transaction is over."""
    row = Organisation.objects.select_for_update().get(pk=organisation.pk)
    return current(row.merged_into) if row.merged_into else row


def add(stated: Stated, *, by: User) -> Organisation:
    """Enter an organisation. Raises `KnownAlready`."""
    try:
        with transaction.atomic():
            organisation = Organisation.objects.create(**stated.columns())
            record(organisation, by=by)
            write_name_keys(organisation)
    except IntegrityError:
        raise KnownAlready(_rival(stated)) from None
    return organisation


def change(organisation: Organisation, stated: Stated, *, by: User) -> None:
    """Hold something else of an organisation. Raises `KnownAlready`, or `Overtaken` for a record that was merged."""
    try:
        with transaction.atomic():
            _locked(organisation)
            for column, value in stated.columns().items():
                setattr(organisation, column, value)
            organisation.save(update_fields=[*stated.columns(), "name"])
            witness(organisation, "changed", by=by)
            _names_changed(organisation)
    except IntegrityError:
        raise KnownAlready(_rival(stated, but=organisation)) from None


def set_logo(organisation: Organisation, png: bytes, *, by: User) -> None:
    """Another logo, or none. What was there before is deleted by the sweep of files. Raises `Overtaken`."""
    name = logos.keep(png) if png else ""
    with transaction.atomic():
        _locked(organisation)
        if Organisation.objects.filter(pk=organisation.pk).exclude(logo=name).update(logo=name):
            witness(organisation, "logo", by=by)


def add_alias(organisation: Organisation, name: str, *, language: str = "", by: User) -> None:
    """Another name by which it is found; one that is there already is not doubled. Raises `Overtaken`."""
    with transaction.atomic():
        _locked(organisation)
        defaults = {"name": name, "language": language}
        _, created = organisation.aliases.get_or_create(folded_name=fold_name(name), defaults=defaults)
        if created:
            witness(organisation, "name added", by=by)
            _names_changed(organisation)


def remove_alias(alias: Alias, *, by: User) -> None:
    """Forget a name. Raises `Overtaken` for a record that was merged."""
    with transaction.atomic():
        organisation = _locked(alias.organisation)
        if organisation.aliases.filter(pk=alias.pk).delete()[0]:
            witness(organisation, "name removed", by=by)
            _names_changed(organisation)


def add_mandate(
    organisation: Organisation, *, name: str, role: str, email: str, since: date, until: date | None, by: User
) -> MandatedSigner:
    """The organisation has told us who may sign for it. Of one mailbox the last word counts. Raises `Overtaken`."""
    told = {"name": name, "role": role, "email": email, "since": since, "until": until}
    with transaction.atomic():
        _locked(organisation)
        mandate, _ = organisation.mandated_signers.update_or_create(
            mailbox=mailbox(email), defaults={**told, "added_by": by, "added_at": timezone.now()}
        )
        witness(organisation, "mandate added", by=by)
        _look_again(organisation)
    return mandate


def end_mandate(mandate: MandatedSigner, *, by: User) -> None:
    """From today on this person may not sign; what they signed before stays. Raises `Overtaken`."""
    yesterday = timezone.now().date() - timedelta(days=1)
    with transaction.atomic():
        organisation = _locked(mandate.organisation)
        held = organisation.mandated_signers.filter(Q(until=None) | Q(until__gt=yesterday), pk=mandate.pk)
        if held.update(until=yesterday):
            witness(organisation, "mandate ended", by=by)
            _look_again(organisation)


def merge(goes: Organisation, *, into: Organisation, by: User) -> None:
    """Two records were one organisation's. `into` stays; `goes` keeps its history and leads there.

    Signatures, invitations, other names, domains and mandates move, and what `into` lacks is taken over. Where access
    to one was locked, it is locked. Raises `BothApproved`, or `Overtaken` where one was merged in the meantime.
    """
    if goes.pk == into.pk:
        raise ValueError("An organisation can't be merged into itself")
    try:
        with transaction.atomic():
            both = Organisation.objects.select_for_update().order_by("pk").filter(pk__in=(goes.pk, into.pk))
            rows = {row.pk: row for row in both}
            goes, into = rows[goes.pk], rows[into.pk]
            if OrganisationStatus.MERGED in (goes.status, into.status):
                raise Overtaken("One of them was merged in the meantime")
            if letters := both_approved(goes, into):
                raise BothApproved(letters)
            _merge(goes, into, by)
    except IntegrityError:  # one of them was approved at this moment
        raise BothApproved(both_approved(goes, into)) from None


def both_approved(one: Organisation, other: Organisation) -> list[Letter]:
    """The letters under which both stand."""
    letters = Letter.objects.filter(pk__in=one.signatures.approved().order_by().values("letter"))
    return list(letters.filter(pk__in=other.signatures.approved().order_by().values("letter")))


def alike(organisation: Organisation) -> OrganisationQuerySet:
    """Other records that meet it by a name."""
    keys = list(organisation.name_keys.values_list("key", flat=True))[:AT_A_TIME]
    met = NameKey.objects.filter(key__in=keys, organisation__isnull=False).values("organisation")
    found: OrganisationQuerySet = Organisation.objects.live().filter(pk__in=met).exclude(pk=organisation.pk)
    return found


def _merge(goes: Organisation, into: Organisation, by: User) -> None:
    was_locked = goes.is_locked
    _move_names(goes, into)
    goes.signatures.update(organisation=into)
    into.locked_too.add(*goes.locked_too.all())
    goes.invitations.update(organisation=into)
    kept = into.mandated_signers.values_list("mailbox", flat=True)
    goes.mandated_signers.exclude(mailbox__in=list(kept)).update(organisation=into)
    goes.merged.update(merged_into=into)
    goes.name_keys.all().delete()
    _take_over(goes, into)
    move(goes, OrganisationStatus.MERGED, by=by, merged_into=into)
    if was_locked and not into.is_locked:
        move(into, OrganisationStatus.LOCKED, by=by)
    witness(into, "merged with", by=by)
    _names_changed(into)


def _move_names(goes: Organisation, into: Organisation) -> None:
    """Every name of the one becomes another name of the other, unless it goes by it already."""
    known = {into.folded_name, *into.aliases.values_list("folded_name", flat=True)}
    for name, language in _all_names(goes):
        if (folded := fold_name(name)) not in known:
            known.add(folded)
            into.aliases.create(name=name, folded_name=folded, language=language)


def _all_names(organisation: Organisation) -> Iterator[tuple[str, str]]:
    own = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    for language in (own, *settings.SHIPPED_LANGUAGES):
        if name := getattr(organisation, f"name_{language}"):
            yield name, "" if language == own else language
    for alias in organisation.aliases.all():
        yield alias.name, alias.language


def _take_over(goes: Organisation, into: Organisation) -> None:
    into.domains = [*into.domains, *(domain for domain in goes.domains if domain not in into.domains)]
    for column in ("acronym", "website", "public_email", "logo"):
        if not getattr(into, column):
            setattr(into, column, getattr(goes, column))
    into.member_since = min(filter(None, (into.member_since, goes.member_since)), default=None)
    into.save(update_fields=["domains", "acronym", "website", "public_email", "logo", "member_since"])


def _locked(organisation: Organisation) -> Organisation:
    """Until the end of the transaction nobody else changes it."""
    row = Organisation.objects.select_for_update().get(pk=organisation.pk)
    if row.status == OrganisationStatus.MERGED:
        raise Overtaken("The record was merged into another one in the meantime")
    return row


def _names_changed(organisation: Organisation) -> None:
    write_name_keys(organisation)
    _look_again(organisation)


def _look_again(organisation: Organisation) -> None:
    """What is known of an organisation is evidence for the signatures in its name that wait."""
    its_own = Q(organisation=organisation) | Q(folded_name=organisation.folded_name, country=organisation.country)
    for signature in Signature.objects.filter(its_own, status__in=WAITING):
        assess(signature)


def _rival(stated: Stated, but: Organisation | None = None) -> Organisation:
    same = Organisation.objects.live().filter(folded_name=fold_name(stated.name), country=stated.country)
    return (same.exclude(pk=but.pk) if but else same).get()
