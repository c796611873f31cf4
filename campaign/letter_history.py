"""What the desk tells of all that was done to a letter and its campaign: what, by whom and when."""

from datetime import datetime

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from accounts.models import User
from dispatch.models import Recipient
from ledger.models import Event
from letters.models import Campaign, Letter, PrivateLink
from letters.states import LetterStatus

HAPPENED: dict[tuple[str, str], Promise] = {
    (Letter._meta.label_lower, LetterStatus.OPEN): pgettext_lazy("history", "Opened for signing"),
    (Letter._meta.label_lower, LetterStatus.CLOSED): pgettext_lazy("history", "Closed for signing"),
    (Letter._meta.label_lower, "signing chosen"): pgettext_lazy("history", "Chosen who may sign, and until when"),
    (Letter._meta.label_lower, "order chosen"): pgettext_lazy("history", "Order of the signatories chosen"),
    (Letter._meta.label_lower, "exported"): pgettext_lazy("history", "Signatures exported"),
    (Letter._meta.label_lower, "silent chased"): pgettext_lazy("history", "Organisations without an answer reminded"),
    (Letter._meta.label_lower, "publication told"): pgettext_lazy("history", "Signatories told of the publication"),
    (PrivateLink._meta.label_lower, "made"): pgettext_lazy("history", "Private link made"),
    (PrivateLink._meta.label_lower, "revoked"): pgettext_lazy("history", "Private link taken back"),
    (Letter._meta.label_lower, "recipient removed"): pgettext_lazy("history", "Recipient removed"),
    (Recipient._meta.label_lower, "entered"): pgettext_lazy("history", "Recipient entered"),
    (Recipient._meta.label_lower, "changed"): pgettext_lazy("history", "Recipient changed"),
    (Recipient._meta.label_lower, "address added"): pgettext_lazy("history", "Further address added"),
    (Recipient._meta.label_lower, "address verified"): pgettext_lazy("history", "Further address verified"),
    (Recipient._meta.label_lower, "address removed"): pgettext_lazy("history", "Further address removed"),
    (Campaign._meta.label_lower, "retention chosen"): pgettext_lazy("history", "Chosen how long contacts are kept"),
}
History = list[tuple[datetime, str, User | None]]


def history(letter: Letter) -> History:
    """What happened to the letter, its private links, its recipients and its campaign, the latest last.

    A recipient that was removed left nothing of itself but that it was.
    """
    recipients = {recipient.pk: recipient.title for recipient in letter.recipients.all()}
    of_letter = Q(table=Letter._meta.label_lower, row=letter.pk)
    of_links = Q(table=PrivateLink._meta.label_lower, row__in=letter.private_links.values("pk"))
    of_recipients = Q(table=Recipient._meta.label_lower, row__in=recipients)
    return _told(of_letter | of_links | of_recipients | _of_campaign(letter.campaign_id), recipients)


def history_of_campaign(campaign: Campaign) -> History:
    return _told(_of_campaign(campaign.pk), {})


def _of_campaign(key: int) -> Q:
    return Q(table=Campaign._meta.label_lower, row=key)


def _told(about: Q, recipients: dict[int, str]) -> History:
    events = Event.objects.filter(about).select_related("by").order_by("at", "pk")
    told = ((event, HAPPENED.get((event.table, event.target))) for event in events)
    return [(event.at, _words(event, words, recipients), event.by) for event, words in told if words]


def _words(event: Event, words: Promise, recipients: dict[int, str]) -> str:
    """With the recipient's name where there may be several."""
    is_recipients = event.table == Recipient._meta.label_lower
    return f"{words}: {recipients[event.row]}" if is_recipients else str(words)
