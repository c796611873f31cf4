"""What stands in the way of a dispatch: `CHECKS` is the whole list of what is looked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from dispatch import emails, seal, sender_records
from dispatch.dossier.changes import PARTS
from dispatch.dossier.facts import FROZEN
from dispatch.dossier.looked import Looked, behind, language_name, mails_of, name_of, wording_of
from dispatch.models import Delivery, Waiver, Wording
from dispatch.services.editions import sealed_bytes
from dispatch.states import EditionStatus
from letters.services import digest
from signatories.authority import Grade
from signatories.models import Signature
from signatories.services.evidence import Pair, alike_among, twice_among

GROWN_OLD = timedelta(days=3)  # a mail whose date is further back looks forged, or is taken for spam
ONE_BY_ONE = 30  # of more pairs of signatories, nobody reads the sentences


class Found(NamedTuple):
    """`about` names the row, `facts` are what a waiver is for, `link` is where it is mended."""

    about: str
    facts: Any
    sentence: str
    link: str = ""


@dataclass(frozen=True)
class Check:
    """One thing that is looked for. `mend` is what the link to mending is called, or the button of that `act`.

    `subject` says which office, signatory or language a finding is about, also when it is found no more.
    """

    key: str
    title: Promise
    find: Callable[[Looked], Iterator[Found]]
    subject: Callable[[Looked, str], str] = lambda _looked, _about: ""
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
        place = delivery.place
        verified_on = place.verified_on if place else None
        said = {"office": looked.office(delivery)}
        if place is None:
            text = _(
                "%(office)s: it would go to an address that is not the one entered now,"
                " and counts as verified by nobody."
            )
        elif verified_on is None:
            text = _("%(office)s: nobody has verified the address.")
        elif place.was_verified_long_ago(looked.now.date()):
            text = _("%(office)s: the address was last verified on %(date)s.")
            said["date"] = date_format(verified_on)
        else:
            continue
        link = reverse("desk:recipient", args=[delivery.recipient_id]) + ("#further" if delivery.after_id else "")
        facts = [verified_on and verified_on.isoformat(), delivery.channel, delivery.address]
        yield Found(str(delivery.pk), facts, text % said, link)


def _unprinted(looked: Looked) -> Iterator[Found]:
    printed = looked.edition.content["recipients"]
    for delivery in looked.deliveries:
        recipient, language = delivery.recipient, delivery.language
        now = {part: getattr(recipient, f"{part}_{language}") for part in ("title", "name", "address_block")}
        now["kind"] = recipient.kind
        offices = [{**office[language], "kind": office["kind"]} for office in printed]
        if delivery.after_id or any(now.items() <= office.items() for office in offices):
            continue
        text = _(
            "%(office)s: the PDF does not name it, or not like this. It was added or changed after the edition was cut."
        )
        yield Found(str(delivery.pk), now, text % {"office": looked.office(delivery)}, _letter(looked))


def _added(looked: Looked) -> Iterator[Found]:
    for recipient in looked.added:
        text = _(
            "%(office)s: added to the letter after this was prepared, and not in it. Cancel this dispatch and prepare"
            " another."
        )
        titles = [getattr(recipient, f"title_{code}") for code, _name in settings.LANGUAGES]
        yield Found(str(recipient.pk), titles, text % {"office": recipient.title}, _letter(looked))


def _unfit(looked: Looked) -> Iterator[Found]:
    for delivery in looked.deliveries:
        if wording_of(delivery) is None:
            said = {"office": looked.office(delivery), "reason": ""}
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
        said = {"office": looked.office(delivery), "reason": ""}
        try:
            addressed = _as_addressed_now(delivery)
            now = emails.words(addressed, twins=looked.twins)
        except emails.Unfit as reason:
            said["reason"] = str(reason)
            text = _("%(office)s: from what is written now, it could not be put together. %(reason)s")
            yield Found(str(delivery.pk), "unfit", text % said)
            continue
        before, after = _said(delivery, wording), _said(addressed, now)
        if before != after:
            said["what"] = "; ".join(str(PARTS[part]) for part in before if before[part] != after[part])
            text = _("%(office)s: edited since this was put together, so that the change would not go out: %(what)s.")
            yield Found(str(delivery.pk), list(after.values()), text % said)


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


def _of_language(_looked: Looked, about: str) -> str:
    return language_name(about)


def _of_signatories(looked: Looked, about: str) -> str:
    """One, or a pair; nobody by name where they were too many."""
    pks = about.split("-")
    return ", ".join(name_of(row) for row in looked.signatures if str(row.pk) in pks)


def _of_office(looked: Looked, about: str) -> str:
    listed = (*looked.deliveries, *looked.excluded)
    return next((looked.office(delivery) for delivery in listed if str(delivery.pk) == about), "")


def _of_recipient(looked: Looked, about: str) -> str:
    return next((recipient.title for recipient in looked.letter.recipients.all() if str(recipient.pk) == about), "")


def _of_records(_looked: Looked, about: str) -> str:
    return sender_records.topic_of(about)


def _as_addressed_now(delivery: Delivery) -> Delivery:
    """What the delivery would be if its dispatch were prepared now; the next rung keeps the address that was chosen."""
    recipient = delivery.recipient
    now = Delivery(pk=delivery.pk, message_id=delivery.message_id, recipient=recipient, edition=delivery.edition)
    now.language, now.channel, now.address = delivery.language, delivery.channel, delivery.address
    if delivery.after_id is None:
        now.language, now.channel, now.address = recipient.language, recipient.channel, recipient.address.strip()
    return now


def _said(delivery: Delivery, wording: Wording) -> dict[str, Any]:
    """Everything about a delivery that can be edited, by the names of `PARTS`."""
    way = {"channel": delivery.channel, "address": delivery.address, "language": delivery.language}
    return {**way, **{name: getattr(wording, name) for name in FROZEN}}


def _letter(looked: Looked) -> str:
    return reverse("desk:letter", args=[looked.letter.slug])


def _signature(signature: Signature) -> str:
    return reverse("desk:signature", args=[signature.pk])


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
    Check(
        "behind", gettext_lazy("A translation may lag behind"), _behind, _of_language, mend=gettext_lazy("See the text")
    ),
    Check("unproven", gettext_lazy("Signatories without evidence"), _unproven),
    Check(
        "disputed",
        gettext_lazy("An organisation objected"),
        _disputed,
        _of_signatories,
        mend=gettext_lazy("Look at the signature"),
    ),
    Check(
        "alike",
        gettext_lazy("Names that may be one organisation’s"),
        _alike,
        _of_signatories,
        mend=gettext_lazy("Look at the signature"),
    ),
    Check(
        "twice",
        gettext_lazy("Two signatures with one address or website"),
        _twice,
        _of_signatories,
        mend=gettext_lazy("Look at the signature"),
    ),
    Check(
        "bounced",
        gettext_lazy("Mails to a signatory come back"),
        _bounced,
        _of_signatories,
        mend=gettext_lazy("Look at the signature"),
    ),
    Check(
        "unverified",
        gettext_lazy("An address that is not verified"),
        _unverified,
        _of_office,
        mend=gettext_lazy("Verify the address"),
    ),
    Check("unprinted", gettext_lazy("Not in the edition"), _unprinted, _of_office, mend=gettext_lazy("See the letter")),
    Check(
        "added", gettext_lazy("A recipient that was added"), _added, _of_recipient, mend=gettext_lazy("See the letter")
    ),
    Check("sender", gettext_lazy("The sender’s records in DNS"), _sender, _of_records),
    Check(
        "unfit",
        gettext_lazy("Could not be put together"),
        _unfit,
        _of_office,
        is_waivable=False,
        mend=gettext_lazy("Look at the recipient"),
        act="put_together",
    ),
    Check("outdated", gettext_lazy("Edited since it was put together"), _outdated, _of_office, act="put_together"),
    Check("grown-old", gettext_lazy("The mails are old"), _grown_old, is_waivable=False, act="put_together"),
    Check("broken", gettext_lazy("A PDF that is not the sealed one"), _broken, _of_language, is_waivable=False),
    Check("demonstration-seal", gettext_lazy("The seal of the demonstration"), _demonstration_seal),
    Check("unstamped", gettext_lazy("A seal without a time stamp"), _unstamped, _of_language),
    Check("no-dry-run", gettext_lazy("No dry run"), _no_dry_run, act="dry_run"),
    Check("dry-run-differs", gettext_lazy("The dry run differs"), _dry_run_differs, is_waivable=False, act="dry_run"),
)
BY_KEY = {check.key: check for check in CHECKS}


def findings(looked: Looked) -> Iterator[Finding]:
    """All that is found, waived or not."""
    waivers = {(waiver.finding, waiver.facts): waiver for waiver in looked.standing}
    for check in CHECKS:
        for found in check.find(looked):
            key = f"{check.key}:{found.about}" if found.about else check.key
            facts = digest({"facts": found.facts})
            waiver = waivers.get((key, facts)) if check.is_waivable else None
            yield Finding(check, found.about, facts, found.sentence, found.link, waiver)


def called(looked: Looked, key: str) -> str:
    """What the finding of that key is, and whom it is about: for when it is found no more, or is another by now."""
    which, _colon, about = key.partition(":")
    check = BY_KEY.get(which)
    if check is None:
        return key
    subject = check.subject(looked, about)
    return f"{check.title}: {subject}" if subject else str(check.title)
