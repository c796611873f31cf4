"""The rows behind a dossier, and what they are called."""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from dispatch import sender_records
from dispatch.models import Delivery, Dispatch, DryRun, Recipient, Waiver, Wording
from dispatch.states import DeliveryStatus, DryRunStatus
from letters.content import words as words_of
from letters.models import Version
from signatories.models import Signature


class Looked:
    """The rows behind a dossier, in a number of queries that grows neither with signatories nor with recipients."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch, self.edition = dispatch, dispatch.edition
        self.letter = self.edition.letter
        self.now = timezone.now()
        prefetch_related_objects([self.edition], "files")
        self.files = list(self.edition.files.all())
        known = dispatch.deliveries.select_related("recipient__verified_by", "wording")
        known = known.prefetch_related("recipient__further_addresses__verified_by")
        listed = list(known.order_by("recipient__order", "pk"))
        for delivery in listed:
            delivery.dispatch, delivery.edition = dispatch, self.edition
        self.excluded = [delivery for delivery in listed if delivery.status == DeliveryStatus.CANCELLED]
        self.deliveries = [delivery for delivery in listed if delivery.status != DeliveryStatus.CANCELLED]
        self.is_next_rung = bool(listed) and all(delivery.after_id for delivery in listed)
        runs = list(dispatch.dry_runs.select_related("asked_by").order_by("pk"))
        self.dry_run = runs[-1] if runs else None
        ended = [run for run in runs if run.status in (DryRunStatus.SAME, DryRunStatus.DIFFERENT)]
        self.ended_dry_run = ended[-1] if ended else None
        self.waivers = list(dispatch.waivers.select_related("by", "ended_by"))
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
    def standing(self) -> list[Waiver]:
        """The waivers that nobody took back, and that have not become void."""
        return [waiver for waiver in self.waivers if waiver.ended_at is None]

    @property
    def mails(self) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if delivery.is_mail]

    def office(self, delivery: Delivery) -> str:
        """What the office is called; with the address, where it gets the letter at more than one."""
        title = delivery.recipient.title
        return f"{title} ({' '.join(delivery.address.split())})" if self._offices[title] > 1 else title

    @cached_property
    def added(self) -> list[Recipient]:
        """Who was added to the letter since: in no delivery of this edition, and never taken out of this dispatch."""
        known = {delivery.recipient_id for delivery in self.excluded}
        others = [] if self.is_next_rung else self.edition.left_over()
        return [recipient for recipient in others if recipient.pk not in known]

    @cached_property
    def _offices(self) -> Counter[str]:
        return Counter(delivery.recipient.title for delivery in (*self.deliveries, *self.excluded))

    def dry_run_of_these(self) -> DryRun | None:
        """The latest that has ended, if it had every mail as it is now; one under way has shown nothing yet."""
        latest = self.ended_dry_run
        return latest if latest and mails_of(self.mails).items() <= latest.mails.items() else None

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


def language_name(code: str) -> str:
    name: str = get_language_info(code)["name_translated"]
    return name[:1].upper() + name[1:]


def name_of(signature: Signature) -> str:
    """As the desk calls it, and nothing of it where the name is withheld: this page is read by many."""
    if signature.is_withheld:
        return _("a signatory whose name is withheld")
    name: str = getattr(signature, f"name_{settings.MODELTRANSLATION_DEFAULT_LANGUAGE}")
    return name
