"""What is not as it was when somebody looked at a dossier, in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from django.utils.formats import date_format, get_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dispatch.dossier.looked import language_name
from dispatch.models import Channel, Recipient
from dispatch.states import EditionStatus
from letters.differences import Words, compare
from signatories.authority import Grade

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
    "kind": gettext_lazy("Kind"),
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
    "kind": {kind.value: kind.label for kind in Recipient.Kind},
    "channel": {channel.value: channel.label for channel in Channel},
    "status": {status.value: status.label for status in EditionStatus},
}
DATES = {"put_together_at": "DATETIME_FORMAT", "stamped_at": "DATETIME_FORMAT", "verified_on": "DATE_FORMAT"}
SECONDS = {"put_together_at": ":s"}  # two puttings-together may be of one minute
LONG = 60


@dataclass(frozen=True)
class Change:
    """One fact that is another than it was, of one row or of several; of longer texts, the words that differ."""

    about: list[str]
    part: str
    old: str
    new: str
    old_words: list[Words] = field(default_factory=list)
    new_words: list[Words] = field(default_factory=list)


def standing(told: dict[str, Any] | None) -> str:
    if told is None:
        return ""
    if "reason" not in told:
        return _("stands in the way")
    return _("waived by %(who)s: %(reason)s") % {"who": told["by"], "reason": told["reason"]}


def compared(about: str, part: str, old: Any, new: Any) -> Change:
    kind, _blank, which = part.partition(" ")
    label = str(Grade(int(which)).label) if kind == "grade" else str(PARTS.get(part, part))
    before, now = shown(part, old), shown(part, new)
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


def _file_of(told: str) -> str:
    code, _blank, sha256 = told.partition(" ")
    return f"{language_name(code)}: {sha256}"


def shown(part: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if part in DATES and value:
        dates = value if isinstance(value, list) else [value]
        return ", ".join(
            date_format(datetime.fromisoformat(date), get_format(DATES[part]) + SECONDS.get(part, "")) for date in dates
        )
    if part == "files":
        return ", ".join(_file_of(file) for file in value.split(", ") if file)
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) if part != "differences" else str(len(value))
    if part == "language" and value:
        return language_name(value)
    return str(LABELS.get(part, {}).get(value, value))
