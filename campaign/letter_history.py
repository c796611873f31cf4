"""What the letter's page tells of all that was done to the letter: what, by whom and when."""

from datetime import datetime

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from accounts.models import User
from ledger.models import Event
from letters.models import Letter, PrivateLink
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
}


def history(letter: Letter) -> list[tuple[datetime, Promise, User | None]]:
    """What happened to the letter and its private links, the latest last."""
    links = letter.private_links.values("pk")
    of_links = Q(table=PrivateLink._meta.label_lower, row__in=links)
    of_letter = Q(table=Letter._meta.label_lower, row=letter.pk)
    events = Event.objects.filter(of_letter | of_links).select_related("by").order_by("at", "pk")
    told = ((event, HAPPENED.get((event.table, event.target))) for event in events)
    return [(event.at, words, event.by) for event, words in told if words]
