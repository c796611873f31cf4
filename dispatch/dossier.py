"""The dossier of a dispatch: what two people look at before it goes out, and what stands in the way.

`CHECKS` is the whole list of what is looked for. What a check finds is mended, taken out of the dispatch, or waived by
somebody, with a reason, as it is. Facts and findings together have one SHA-256: that is what is authorised.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language_info, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from dispatch import emails, seal, sender_records
from dispatch.models import Channel, Delivery, Dispatch, DryRun, EditionFile, Waiver, Wording
from dispatch.services.editions import sealed_bytes
from dispatch.services.recipients import STALE
from dispatch.states import DeliveryStatus, DryRunStatus, EditionStatus
from letters.content import words as words_of
from letters.differences import Words, compare
from letters.models import Version
from letters.services import digest
from signatories.authority import Grade
from signatories.models import Signature
from signatories.services.evidence import Pair, alike_among, twice_among

GROWN_OLD = timedelta(days=3)  # a mail whose date is further back looks forged, or is taken for spam
ONE_BY_ONE = 30  # of more pairs of signatories, nobody reads the sentences
FROZEN = ("sender", "title", "reply_to", "subject", "salutation", "address_block", "covering", "letter", "files")

Facts = dict[str, dict[str, Any]]


# What is looked at --------------------------------------------------------------------------------


class Looked:
    """The rows behind a dossier, in a number of queries that grows neither with signatories nor with recipients."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch, self.edition = dispatch, dispatch.edition
        self.letter = self.edition.letter
        self.now = timezone.now()
        prefetch_related_objects([self.edition], "files")
        self.files = list(self.edition.files.all())
        known = dispatch.deliveries.select_related("recipient__verified_by", "wording")
        listed = list(known.order_by("recipient__order", "pk"))
        for delivery in listed:
            delivery.dispatch, delivery.edition = dispatch, self.edition
        self.excluded = [delivery for delivery in listed if delivery.status == DeliveryStatus.CANCELLED]
        self.deliveries = [delivery for delivery in listed if delivery.status != DeliveryStatus.CANCELLED]
        self.is_next_rung = bool(listed) and all(delivery.after_id for delivery in listed)
        self.dry_run = dispatch.dry_runs.select_related("asked_by").order_by("pk").last()
        self.waivers = list(dispatch.waivers.select_related("by"))
        self.sender = sender_records.report()
        self.twins: dict[str, str] = {}

    @cached_property
    def versions(self) -> list[Version]:
        """The texts of the letter up to the one of the edition, which is the last."""
        number = self.edition.content["version"]
        return list(self.letter.versions.filter(number__lte=number).order_by("number"))

    @cached_property
    def signatures(self) -> list[Signature]:
        return list(self.edition.signatures.defer("representative", "role", "email").order_by("pk"))

    @property
    def mails(self) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if delivery.is_mail]

    def dry_run_of_these(self) -> DryRun | None:
        """The latest, if it has ended and had every mail as it is now."""
        latest = self.dry_run
        has_ended = latest is not None and latest.status in (DryRunStatus.SAME, DryRunStatus.DIFFERENT)
        return latest if latest and has_ended and mails_of(self.mails).items() <= latest.mails.items() else None

    def differences(self) -> list[dict[str, Any]]:
        """What that one found about mails that are still to go."""
        run, mails = self.dry_run_of_these(), {mail.pk for mail in self.mails}
        return [one for one in run.differences if one["delivery"] in mails] if run else []


def wording_of(delivery: Delivery) -> Wording | None:
    """None where it could not be put together."""
    return getattr(delivery, "wording", None)


def mails_of(deliveries: list[Delivery]) -> dict[str, str]:
    """The SHA-256 of each frozen mail, by the key of its delivery."""
    return {str(mail.pk): wording.sha256 if (wording := wording_of(mail)) else "" for mail in deliveries}


def behind(versions: list[Version]) -> dict[str, int]:
    """By language, how many parts of the last text are as they were before the same part changed in English."""
    changed: dict[tuple[str, str, str], int] = {}
    before: Mapping[tuple[str, str, str], str] = {}
    for version in versions:
        now = words_of(version.content)
        changed |= {place: version.number for place, text in now.items() if before.get(place) != text}
        before = now
    default = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    return {
        code: sum(
            changed[place] > changed.get((code, *place[1:]), 0) for place in before if place[0] == default != code
        )
        for code in versions[-1].content
    }


# What stands in the way ---------------------------------------------------------------------------


class Found(NamedTuple):
    """`about` names the row, `facts` are what a waiver is for, `link` is where it is mended."""

    about: str
    facts: Any
    sentence: str
    link: str = ""


@dataclass(frozen=True)
class Check:
    """One thing that is looked for. `mend` is what the link to mending is called, or the button of that `act`."""

    key: str
    title: Promise
    find: Callable[[Looked], Iterator[Found]]
    is_waivable: bool = True
    mend: str | Promise = ""
    act: str = ""


@dataclass(frozen=True)
class Finding:
    """Something that stands in the way, unless somebody waived it as it is."""

    check: Check
    about: str
    facts: str
    sentence: str
    link: str
    waiver: Waiver | None

    @property
    def key(self) -> str:
        return f"{self.check.key}:{self.about}" if self.about else self.check.key

    @property
    def slug(self) -> str:
        """For the page's own names."""
        return self.key.replace(":", "-")


def _left(looked: Looked) -> Iterator[Found]:
    if looked.edition.names_someone_who_left:
        yield Found("", True, _("The edition names somebody who stands under the letter no more. Cut a new one."))


def _superseded(looked: Looked) -> Iterator[Found]:
    if looked.edition.status != EditionStatus.SEALED and not looked.is_next_rung:
        yield Found("", True, _("There is a later edition. Cancel this dispatch and prepare one of the later edition."))


def _text_changed(looked: Looked) -> Iterator[Found]:
    latest, sent = looked.letter.binding_number, looked.edition.content["version"]
    if latest > sent:
        text = _("The meaning of the text has changed with version %(latest)s; the edition holds version %(sent)s.")
        yield Found("", latest, text % {"latest": latest, "sent": sent}, _letter(looked))


def _behind(looked: Looked) -> Iterator[Found]:
    for language, parts in behind(looked.versions).items():
        if parts:
            text = ngettext(
                "%(language)s: %(parts)s part of the text has not been touched since it was changed in English.",
                "%(language)s: %(parts)s parts of the text have not been touched since they were changed in English.",
                parts,
            )
            said = {"language": language_name(language), "parts": parts}
            yield Found(language, parts, text % said, reverse("desk:text", args=[looked.letter.slug]))


def _unproven(looked: Looked) -> Iterator[Found]:
    organisation = Signature.Kind.ORGANISATION
    pks = [row.pk for row in looked.signatures if row.grade == Grade.NONE and row.kind == organisation]
    if pks:
        text = ngettext(
            "For %(count)s signatory, nothing shows that whoever signed may speak for it. See below.",
            "For %(count)s signatories, nothing shows that whoever signed may speak for them. See below.",
            len(pks),
        )
        yield Found("", pks, text % {"count": len(pks)})


def _disputed(looked: Looked) -> Iterator[Found]:
    for row in looked.signatures:
        if row.disputed_at:
            text = _("%(name)s: the organisation has told us that this is not its signature.")
            yield Found(str(row.pk), row.disputed_at.isoformat(), text % {"name": name_of(row)}, _signature(row))


def _alike(looked: Looked) -> Iterator[Found]:
    yield from _pairs(list(alike_among(looked.signatures)))


def _twice(looked: Looked) -> Iterator[Found]:
    yield from _pairs(list(twice_among(looked.signatures)))


def _bounced(looked: Looked) -> Iterator[Found]:
    for row in looked.signatures:
        if row.bounced_at:
            said = {"name": name_of(row), "date": date_format(row.bounced_at)}
            text = _("%(name)s: since %(date)s, mails come back from the address of its representative.")
            yield Found(str(row.pk), row.bounced_at.isoformat(), text % said, _signature(row))


def _unverified(looked: Looked) -> Iterator[Found]:
    for delivery in looked.deliveries:
        recipient, verified_on = delivery.recipient, delivery.recipient.verified_on
        said = {"office": recipient.title}
        if delivery.after_id:  # one of the further addresses, which somebody chose just now
            continue
        if verified_on is None:
            text = _("%(office)s: nobody has verified the address.")
        elif looked.now.date() - verified_on > STALE:
            text = _("%(office)s: the address was last verified on %(date)s.")
            said["date"] = date_format(verified_on)
        else:
            continue
        link = reverse("desk:recipient", args=[recipient.pk])
        yield Found(str(delivery.pk), verified_on and verified_on.isoformat(), text % said, link)


def _unprinted(looked: Looked) -> Iterator[Found]:
    printed = looked.edition.content["recipients"]
    for delivery in looked.deliveries:
        recipient, language = delivery.recipient, delivery.language
        now = {part: getattr(recipient, f"{part}_{language}") for part in ("title", "name", "address_block")}
        if delivery.after_id or any(now.items() <= office[language].items() for office in printed):
            continue
        text = _(
            "%(office)s: the PDF does not name it, or not like this. It was added or changed after the edition was cut."
        )
        yield Found(str(delivery.pk), now, text % {"office": recipient.title}, _letter(looked))


def _unfit(looked: Looked) -> Iterator[Found]:
    for delivery in looked.deliveries:
        if wording_of(delivery) is None:
            said = {"office": delivery.recipient.title, "reason": ""}
            try:
                emails.words(delivery, twins=looked.twins)
                text = _("%(office)s: what it gets could not be put together, and now can be.")
            except emails.Unfit as reason:
                said["reason"] = str(reason)
                text = _("%(office)s: what it gets can’t be put together. %(reason)s")
            yield Found(str(delivery.pk), True, text % said, reverse("desk:recipient", args=[delivery.recipient_id]))


def _outdated(looked: Looked) -> Iterator[Found]:
    for delivery in looked.deliveries:
        wording = wording_of(delivery)
        if wording is None:
            continue
        said = {"office": delivery.recipient.title, "reason": ""}
        try:
            addressed = _as_addressed_now(delivery)
            now = emails.words(addressed, twins=looked.twins)
        except emails.Unfit as reason:
            said["reason"] = str(reason)
            text = _("%(office)s: from what is written now, it could not be put together. %(reason)s")
            yield Found(str(delivery.pk), "unfit", text % said)
            continue
        facts = [*_way(addressed), *(getattr(now, name) for name in FROZEN)]
        if facts != [*_way(delivery), *(getattr(wording, name) for name in FROZEN)]:
            text = _(
                "%(office)s: something has been edited since this was put together, and the change would not go out."
            )
            yield Found(str(delivery.pk), facts, text % said)


def _sender(looked: Looked) -> Iterator[Found]:
    for finding in sender_troubles(looked.sender):
        text = _("%(topic)s of the sender: %(said)s %(meaning)s") % {
            "topic": finding.topic, "said": finding.said, "meaning": finding.meaning
        }  # fmt: skip
        yield Found(finding.key, list(finding.records), text.strip())


def sender_troubles(report: sender_records.Report) -> list[sender_records.Finding]:
    """What fails, or was never looked up."""
    fails = sender_records.Severity.FAILS
    return [finding for finding in report.findings if finding.severity == fails or finding.key == "not_looked_up"]


def _grown_old(looked: Looked) -> Iterator[Found]:
    dates = [wording.put_together_at for mail in looked.mails if (wording := wording_of(mail))]
    if dates and looked.now - min(dates) > GROWN_OLD:
        text = _("The mails are dated %(date)s, more than three days ago.")
        yield Found("", min(dates).isoformat(), text % {"date": date_format(min(dates), "DATETIME_FORMAT")})


def _broken(looked: Looked) -> Iterator[Found]:
    for file in looked.files:
        try:
            sealed_bytes(file)
        except (OSError, seal.Broken):
            text = _("%(language)s: the PDF can’t be read, or is not the one that was sealed. An operator has to look.")
            yield Found(file.language, True, text % {"language": language_name(file.language)})


def _demonstration_seal(looked: Looked) -> Iterator[Found]:
    if not looked.letter.is_demonstration and not settings.SEAL_P12:
        text = _("The PDFs are sealed with the demonstration certificate, which nobody trusts (SEAL_P12).")
        yield Found("", [file.certificate for file in looked.files], text)


def _unstamped(looked: Looked) -> Iterator[Found]:
    for file in looked.files:
        if settings.TSA_URL and not file.stamped_at:
            text = _("%(language)s: the seal of the PDF holds no time stamp.")
            yield Found(file.language, file.sha256, text % {"language": language_name(file.language)})


def _no_dry_run(looked: Looked) -> Iterator[Found]:
    if looked.mails and looked.dry_run_of_these() is None:
        yield Found("", mails_of(looked.mails), _("There was no dry run of the mails as they are."))


def _dry_run_differs(looked: Looked) -> Iterator[Found]:
    if differences := looked.differences():
        yield Found("", differences, _("In the dry run, not every mail arrived as it is frozen. See below."))


def _nobody(looked: Looked) -> Iterator[Found]:
    if not looked.deliveries:
        yield Found("", True, _("Every recipient is taken out: nothing would go out."))


CHECKS = (
    Check("left", gettext_lazy("A signatory has left"), _left, is_waivable=False),
    Check("superseded", gettext_lazy("A later edition"), _superseded, is_waivable=False),
    Check("nobody", gettext_lazy("No recipient is left"), _nobody, is_waivable=False),
    Check(
        "text-changed",
        gettext_lazy("The meaning of the text changed"),
        _text_changed,
        mend=gettext_lazy("See the letter"),
    ),
    Check("behind", gettext_lazy("A translation may lag behind"), _behind, mend=gettext_lazy("See the text")),
    Check("unproven", gettext_lazy("Signatories without evidence"), _unproven),
    Check("disputed", gettext_lazy("An organisation objected"), _disputed, mend=gettext_lazy("Look at the signature")),
    Check(
        "alike",
        gettext_lazy("Names that may be one organisation’s"),
        _alike,
        mend=gettext_lazy("Look at the signature"),
    ),
    Check(
        "twice",
        gettext_lazy("Two signatures with one address or website"),
        _twice,
        mend=gettext_lazy("Look at the signature"),
    ),
    Check(
        "bounced",
        gettext_lazy("Mails to a signatory come back"),
        _bounced,
        mend=gettext_lazy("Look at the signature"),
    ),
    Check(
        "unverified",
        gettext_lazy("An address that is not verified"),
        _unverified,
        mend=gettext_lazy("Verify the address"),
    ),
    Check("unprinted", gettext_lazy("Not in the edition"), _unprinted, mend=gettext_lazy("See the letter")),
    Check("sender", gettext_lazy("The sender’s records in DNS"), _sender),
    Check(
        "unfit",
        gettext_lazy("Could not be put together"),
        _unfit,
        is_waivable=False,
        mend=gettext_lazy("Look at the recipient"),
        act="put_together",
    ),
    Check("outdated", gettext_lazy("Edited since it was put together"), _outdated, act="put_together"),
    Check("grown-old", gettext_lazy("The mails are old"), _grown_old, is_waivable=False, act="put_together"),
    Check("broken", gettext_lazy("A PDF that is not the sealed one"), _broken, is_waivable=False),
    Check("demonstration-seal", gettext_lazy("The seal of the demonstration"), _demonstration_seal),
    Check("unstamped", gettext_lazy("A seal without a time stamp"), _unstamped),
    Check("no-dry-run", gettext_lazy("No dry run"), _no_dry_run, act="dry_run"),
    Check("dry-run-differs", gettext_lazy("The dry run differs"), _dry_run_differs, is_waivable=False, act="dry_run"),
)
BY_KEY = {check.key: check for check in CHECKS}


# The dossier --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One fact that is another than it was, of one row or of several; of longer texts, the words that differ."""

    about: list[str]
    part: str
    old: str
    new: str
    old_words: list[Words] = field(default_factory=list)
    new_words: list[Words] = field(default_factory=list)


@dataclass(frozen=True)
class Dossier:
    """`facts` are by group and part, and JSON through and through."""

    looked: Looked
    facts: Facts
    findings: list[Finding]

    @property
    def sha256(self) -> str:
        return digest(self.facts)

    @property
    def open(self) -> list[Finding]:
        """Neither mended nor waived: nothing is authorised before they are."""
        return [finding for finding in self.findings if finding.waiver is None]

    @property
    def waived(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.waiver]

    def changes_since(self, old: Facts) -> list[Change]:
        """What is not as it was when somebody looked at `old`."""
        groups = [*self.facts, *(group for group in old if group not in self.facts)]
        found: dict[tuple[str, ...], Change] = {}
        for change in (change for group in groups for change in self._changes(group, old)):
            texts = ["".join(words.text for words in each) for each in (change.old_words, change.new_words)]
            same = (change.part, *texts) if any(texts) else (change.part, change.old, change.new)
            known = found.setdefault((*same, "" if change.part else change.about[0]), change)
            if known is not change:
                known.about.extend(change.about)
        return list(found.values())

    def _changes(self, group: str, old: Facts) -> Iterator[Change]:
        before, now = old.get(group), self.facts.get(group)
        if before == now:
            return
        about = self._label(group, old)
        if now is None and group.startswith(("delivery ", "finding ")):
            gone = _("taken out of the dispatch") if group.startswith("delivery ") else _("no longer stands in the way")
            yield Change([about], "", "", gone)
            return
        if group.startswith("finding "):
            yield Change([about], "", _standing(before), _standing(now))
            return
        before, now = before or {}, now or {}
        if group == "sender":
            yield from self._changes_of_sender(about, before, now)
            return
        changed = [part for part in {**now, **before} if before.get(part) != now.get(part)]
        if group.startswith("delivery ") and (len(changed) > 1 or self.facts["mails"] != old.get("mails")):
            changed = [part for part in changed if part != "sha256"]  # which follows from the rest
        for part in changed:
            yield _change(about, part, before.get(part), now.get(part))

    def _changes_of_sender(self, about: str, before: dict[str, Any], now: dict[str, Any]) -> Iterator[Change]:
        """By topic: the records, or where there are none, what that means."""
        said = {finding.key: finding.said for finding in self.looked.sender.findings}
        for key in {**now, **before}:
            if before.get(key) != now.get(key):
                old, new = _shown(key, before.get(key)), _shown(key, now.get(key)) or said.get(key, "")
                if old or new:
                    yield Change([about], sender_records.topic_of(key), old, new)

    def _label(self, group: str, old: Facts) -> str:
        kind, _blank, which = group.partition(" ")
        if kind == "delivery":
            listed = (*self.looked.deliveries, *self.looked.excluded)
            offices = {str(delivery.pk): delivery.recipient.title for delivery in listed}
            return str(offices.get(which) or old[group]["title"])
        if kind == "finding":
            known = {finding.key: finding.sentence for finding in self.findings}
            check = BY_KEY.get(which.partition(":")[0])
            return known.get(which) or (str(check.title) if check else which)
        language = f": {language_name(which)}" if which else ""
        return f"{KINDS.get(kind, kind)}{language}"


def of(dispatch: Dispatch) -> Dossier:
    """As things are now."""
    looked = Looked(dispatch)
    findings = list(_findings(looked))
    facts = {**dict(_facts(looked)), **dict(_told(findings))}
    return Dossier(looked, facts, findings)


def _findings(looked: Looked) -> Iterator[Finding]:
    waivers = {(waiver.finding, waiver.facts): waiver for waiver in looked.waivers}
    for check in CHECKS:
        for found in check.find(looked):
            key = f"{check.key}:{found.about}" if found.about else check.key
            facts = digest({"facts": found.facts})
            waiver = waivers.get((key, facts)) if check.is_waivable else None
            yield Finding(check, found.about, facts, found.sentence, found.link, waiver)


def _facts(looked: Looked) -> Iterator[tuple[str, dict[str, Any]]]:
    edition, version = looked.edition, looked.versions[-1]
    yield "edition", {"reference": edition.reference, "status": edition.status, "sha256": edition.sha256}
    yield "text", {"version": version.number, "sha256": version.sha256}
    for language, parts in behind(looked.versions).items():
        yield f"text {language}", {"sha256": digest(version.text(language)), "behind": parts}
    grades: dict[str, int] = {}
    for row in looked.signatures:
        grades[str(row.grade)] = grades.get(str(row.grade), 0) + 1
    yield "signatories", {"count": len(looked.signatures), **{f"grade {grade}": n for grade, n in grades.items()}}
    for file in looked.files:
        yield f"pdf {file.language}", _of_file(file)
    dates = {wording.put_together_at.isoformat() for mail in looked.mails if (wording := wording_of(mail))}
    yield "mails", {"put_together_at": sorted(dates)}
    for delivery in looked.deliveries:
        yield f"delivery {delivery.pk}", _of_delivery(delivery)
    yield "sender", {finding.key: list(finding.records) for finding in looked.sender.findings}
    yield "rehearsal", {"is_done": looked.dry_run_of_these() is not None, "differences": looked.differences()}


def _of_file(file: EditionFile) -> dict[str, Any]:
    return {
        "sha256": file.sha256,
        "size": file.size,
        "pages": file.pages,
        "certificate": file.certificate,
        "stamped_at": file.stamped_at.isoformat() if file.stamped_at else "",
    }


def _of_delivery(delivery: Delivery) -> dict[str, Any]:
    recipient, wording = delivery.recipient, wording_of(delivery)
    told: dict[str, Any] = {
        "title": wording.title if wording else recipient.title,
        "channel": delivery.channel,
        "address": delivery.address,
        "language": delivery.language,
        "requirements": recipient.requirements,
        "verified_on": recipient.verified_on.isoformat() if recipient.verified_on else "",
        "verified_by": str(recipient.verified_by or ""),
    }
    if wording:
        told |= {name: getattr(wording, name) for name in FROZEN if name not in ("title", "letter", "files")}
        told["letter"] = digest({"text": wording.letter})
        told["files"] = ", ".join(f"{file['language']} {file['sha256']}" for file in wording.files)
        told["sha256"] = wording.sha256
    return told


def _told(findings: list[Finding]) -> Iterator[tuple[str, dict[str, Any]]]:
    for finding in findings:
        waiver = finding.waiver
        waived = {"by": str(waiver.by), "reason": waiver.reason} if waiver else {}
        yield f"finding {finding.key}", {"facts": finding.facts, **waived}


# In words -----------------------------------------------------------------------------------------

KINDS: dict[str, Promise] = {
    "edition": gettext_lazy("Edition"),
    "text": gettext_lazy("Text"),
    "signatories": gettext_lazy("Signatories"),
    "pdf": gettext_lazy("PDF"),
    "mails": gettext_lazy("All mails"),
    "sender": gettext_lazy("Records of the sender"),
    "rehearsal": gettext_lazy("Dry run"),
}
PARTS: dict[str, Promise] = {
    "reference": gettext_lazy("Reference number"),
    "status": gettext_lazy("State"),
    "sha256": gettext_lazy("Checksum (SHA-256)"),
    "version": gettext_lazy("Version"),
    "behind": gettext_lazy("Parts that may lag behind"),
    "count": gettext_lazy("Signatories"),
    "size": gettext_lazy("Size"),
    "pages": gettext_lazy("Pages"),
    "certificate": gettext_lazy("Certificate of the seal (SHA-256)"),
    "stamped_at": gettext_lazy("Time stamp"),
    "put_together_at": gettext_lazy("Put together (UTC)"),
    "is_done": gettext_lazy("Of the mails as they are"),
    "differences": gettext_lazy("Differences"),
    "title": gettext_lazy("Office, as it is addressed"),
    "channel": gettext_lazy("Goes by"),
    "address": gettext_lazy("Address"),
    "language": gettext_lazy("Language"),
    "requirements": gettext_lazy("Formal requirements of the office"),
    "verified_on": gettext_lazy("Address last verified on"),
    "verified_by": gettext_lazy("Verified by"),
    "sender": gettext_lazy("Sender"),
    "reply_to": gettext_lazy("Answers go to"),
    "subject": gettext_lazy("Subject"),
    "salutation": gettext_lazy("Salutation"),
    "address_block": gettext_lazy("Address block"),
    "covering": gettext_lazy("Covering text"),
    "letter": gettext_lazy("The letter as text (SHA-256)"),
    "files": gettext_lazy("Attached PDFs (SHA-256)"),
}
LABELS: dict[str, Mapping[str, Any]] = {
    "channel": {channel.value: channel.label for channel in Channel},
    "status": {status.value: status.label for status in EditionStatus},
}
DATES = {"put_together_at": "DATETIME_FORMAT", "stamped_at": "DATETIME_FORMAT", "verified_on": "DATE_FORMAT"}
LONG = 60


def language_name(code: str) -> str:
    name: str = get_language_info(code)["name_translated"]
    return name[:1].upper() + name[1:]


def name_of(signature: Signature) -> str:
    """As the desk calls it, and nothing of it where the name is withheld: this page is read by many."""
    if signature.is_withheld:
        return _("a signatory whose name is withheld")
    name: str = getattr(signature, f"name_{settings.MODELTRANSLATION_DEFAULT_LANGUAGE}")
    return name


def _pairs(pairs: list[Pair]) -> Iterator[Found]:
    if len(pairs) > ONE_BY_ONE:
        facts = [[pair.one.pk, pair.other.pk, str(pair.kind)] for pair in pairs]
        text = _("%(count)s pairs of signatories are alike: too many to name. Cut an edition without them first.")
        yield Found("all", facts, text % {"count": len(pairs)})
        return
    for pair in pairs:
        said = {"one": name_of(pair.one), "other": name_of(pair.other), "reason": pair.reason}
        text = _("%(one)s, and %(other)s. %(reason)s") % said
        yield Found(f"{pair.one.pk}-{pair.other.pk}", str(pair.kind), text, _signature(pair.other))


def _as_addressed_now(delivery: Delivery) -> Delivery:
    """What the delivery would be if its dispatch were prepared now; the next rung keeps the address that was chosen."""
    recipient = delivery.recipient
    now = Delivery(pk=delivery.pk, message_id=delivery.message_id, recipient=recipient, edition=delivery.edition)
    now.language, now.channel, now.address = delivery.language, delivery.channel, delivery.address
    if delivery.after_id is None:
        now.language, now.channel, now.address = recipient.language, recipient.channel, recipient.address.strip()
    return now


def _way(delivery: Delivery) -> tuple[str, str, str]:
    return delivery.channel, delivery.address, delivery.language


def _letter(looked: Looked) -> str:
    return reverse("desk:letter", args=[looked.letter.slug])


def _signature(signature: Signature) -> str:
    return reverse("desk:signature", args=[signature.pk])


def _standing(told: dict[str, Any] | None) -> str:
    if told is None:
        return ""
    if "reason" not in told:
        return _("stands in the way")
    return _("waived by %(who)s: %(reason)s") % {"who": told["by"], "reason": told["reason"]}


def _change(about: str, part: str, old: Any, new: Any) -> Change:
    kind, _blank, which = part.partition(" ")
    label = str(Grade(int(which)).label) if kind == "grade" else str(PARTS.get(part, part))
    before, now = _shown(part, old), _shown(part, new)
    if min(len(before), len(now)) > LONG and " " in now:
        return Change([about], label, before, now, *_changed_lines(before, now))
    return Change([about], label, before, now)


def _changed_lines(old: str, new: str) -> tuple[list[Words], list[Words]]:
    """Of two texts, the lines that differ, with the words in them that do."""
    ones, others = old.splitlines(), new.splitlines()
    before: list[Words] = []
    now: list[Words] = []
    for step, start, end, first, last in SequenceMatcher(a=ones, b=others, autojunk=False).get_opcodes():
        if step != "equal":
            of_old, of_new = compare("\n".join(ones[start:end]), "\n".join(others[first:last]))
            before += [*([Words("\n…\n", False)] if before else []), *of_old]
            now += [*([Words("\n…\n", False)] if now else []), *of_new]
    return before, now


def _shown(part: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if part in DATES and value:
        dates = value if isinstance(value, list) else [value]
        return ", ".join(date_format(datetime.fromisoformat(date), DATES[part]) for date in dates)
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) if part != "differences" else str(len(value))
    if part == "language" and value:
        return language_name(value)
    return str(LABELS.get(part, {}).get(value, value))
