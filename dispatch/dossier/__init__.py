"""The dossier of a dispatch: what two people look at before it goes out, and what stands in the way.

`CHECKS` is the whole list of what is looked for. What a check finds is mended, taken out of the dispatch, or waived by
somebody, with a reason, as it is. Facts and findings together have one SHA-256: that is what is authorised.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from dispatch import sender_records
from dispatch.dossier import checks
from dispatch.dossier.changes import KINDS, Change, compared, shown, standing
from dispatch.dossier.checks import CHECKS, Check, Finding, called
from dispatch.dossier.facts import Facts, of_findings, of_rows
from dispatch.dossier.looked import Looked, behind, language_name, mails_of, wording_of
from dispatch.models import Dispatch, Waiver
from letters.services import digest

__all__ = [
    "CHECKS",
    "Change",
    "Check",
    "Dossier",
    "Facts",
    "Finding",
    "Looked",
    "behind",
    "called",
    "language_name",
    "mails_of",
    "of",
    "wording_of",
]


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

    @property
    def waivers(self) -> list[Waiver]:
        """Those that let a finding stand as it is now."""
        return [finding.waiver for finding in self.findings if finding.waiver]

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
            yield Change([about], "", standing(before), standing(now))
            return
        before, now = before or {}, now or {}
        if group == "sender":
            yield from self._changes_of_sender(about, before, now)
            return
        changed = [part for part in {**now, **before} if before.get(part) != now.get(part)]
        if group.startswith("delivery ") and (len(changed) > 1 or self.facts["mails"] != old.get("mails")):
            changed = [part for part in changed if part != "sha256"]  # which follows from the rest
        for part in changed:
            yield compared(about, part, before.get(part), now.get(part))

    def _changes_of_sender(self, about: str, before: dict[str, Any], now: dict[str, Any]) -> Iterator[Change]:
        """By topic: the records, or where there are none, what that means."""
        said = {finding.key: finding.said for finding in self.looked.sender.findings}
        for key in {**now, **before}:
            if before.get(key) != now.get(key):
                old, new = shown(key, before.get(key)), shown(key, now.get(key)) or said.get(key, "")
                if old or new:
                    yield Change([about], sender_records.topic_of(key), old, new)

    def _label(self, group: str, old: Facts) -> str:
        kind, _blank, which = group.partition(" ")
        if kind == "delivery":
            listed = (*self.looked.deliveries, *self.looked.excluded)
            offices = {str(delivery.pk): self.looked.office(delivery) for delivery in listed}
            return str(offices.get(which) or old[group]["title"])
        if kind == "finding":
            known = {finding.key: finding.sentence for finding in self.findings}
            return known.get(which) or called(self.looked, which)
        language = f": {language_name(which)}" if which else ""
        return f"{KINDS.get(kind, kind)}{language}"


def of(dispatch: Dispatch) -> Dossier:
    """As things are now."""
    looked = Looked(dispatch)
    findings = list(checks.findings(looked))
    facts = {**dict(of_rows(looked)), **dict(of_findings(findings))}
    return Dossier(looked, facts, findings)
