"""The record of deliveries in words, in the active language: what is known of each, and no more than that.

A mail server that takes a mail says nothing of the office: "accepted by our mail server", "accepted by the recipient's
mail server" and "registered by the office" are three things, and only paper is ever handed over.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dispatch import smtp
from dispatch.models import Channel, Delivery, Recipient, Reply
from dispatch.states import ARRIVING, GONE_OUT, HELD, DeliveryStatus, DispatchStatus
from mailing.refusals import Refusal

# By channel: waits for a person, sent off, handed over, not taken.
CARRIED: dict[str, tuple[Promise, Promise, Promise, Promise]] = {
    Channel.POST: (
        gettext_lazy("Is being prepared for registered post"),
        gettext_lazy("Sent by registered post: %(date)s"),
        gettext_lazy("Handed to the office by the post: %(date)s"),
        gettext_lazy("Returned by the post: %(date)s"),
    ),
    Channel.WEB: (
        gettext_lazy("Is being entered in the web form of the office"),
        gettext_lazy("Entered in the web form of the office: %(date)s"),
        gettext_lazy("The web form of the office confirmed that it came in: %(date)s"),
        gettext_lazy("The web form of the office did not take it: %(date)s"),
    ),
    Channel.HAND: (
        gettext_lazy("Is to be brought to the office"),
        gettext_lazy("Given to a messenger: %(date)s"),
        gettext_lazy("Handed over at the office: %(date)s"),
        gettext_lazy("The office did not take it when it was brought: %(date)s"),
    ),
    Channel.FAX: (
        gettext_lazy("Is being prepared for fax"),
        gettext_lazy("Sent by fax: %(date)s"),
        gettext_lazy("The fax machine of the office confirmed that it came in: %(date)s"),
        gettext_lazy("The fax did not go through: %(date)s"),
    ),
}
# While nobody hands it over.
HELD_BACK: dict[str, Promise] = {
    DispatchStatus.PREPARED: gettext_lazy("Prepared; nothing is sent before two people have authorised it"),
    DispatchStatus.HALTED: gettext_lazy("Held back for now"),
}
OF_NO_DATE: dict[str, Promise] = {
    DeliveryStatus.DEFERRED: gettext_lazy("Put off by the mail server; it is tried again"),
    DeliveryStatus.UNKNOWN: gettext_lazy("Not known: the connection broke before the mail server answered"),
    DeliveryStatus.CANCELLED: gettext_lazy("Cancelled before it was handed over"),
}
SAID_BY: dict[str, Promise] = {
    Delivery.Taken.NOTICE: gettext_lazy(
        "Accepted by the recipient’s mail server, by its delivery notice: %(date)s UTC"
    ),
    Delivery.Taken.PROVIDER: gettext_lazy(
        "Accepted by the recipient’s mail server, as our mail provider says: %(date)s UTC"
    ),
    Delivery.Taken.LOG: gettext_lazy("Accepted by the recipient’s mail server, by the log of ours: %(date)s UTC"),
}


@dataclass
class Entry:
    """A recipient with all that was tried, and what came back."""

    recipient: Recipient
    deliveries: list[Delivery]
    replies: list[Reply] = field(default_factory=list)

    @property
    def tried(self) -> list[tuple[Delivery, list[str]]]:
        return [(delivery, list(sentences(delivery))) for delivery in self.deliveries]

    @property
    def said_back(self) -> list[tuple[Reply, str]]:
        """What staff publish of it."""
        return [(reply, reply_sentence(reply)) for reply in self.replies if reply.published_at]

    @property
    def silence(self) -> list[str]:
        """Since when there is no answer, and what the law says; nothing where something may be one."""
        if any(reply.kind in (Reply.Kind.UNREAD, Reply.Kind.ANSWER) for reply in self.replies):
            return []
        since = min((day for delivery in self.deliveries if (day := _silent_since(delivery))), default=None)
        if since is None:
            return []
        return [_("No answer since %(date)s.") % {"date": date_format(since)}, *self._terms()]

    def _terms(self) -> Iterator[str]:
        due = min((day for delivery in self.deliveries if (day := delivery.answer_due_on)), default=None)
        if due:
            said = {"date": date_format(due), "source": self.recipient.term_source}
            with_source = _("The legal term for an answer ends on %(date)s (%(source)s).")
            yield (with_source if said["source"] else _("The legal term for an answer ends on %(date)s.")) % said


def entries(deliveries: Iterable[Delivery]) -> list[Entry]:
    """`deliveries` come in the order of their recipients, with their replies at hand."""
    found = []
    for _pk, of_one in groupby(deliveries, key=lambda delivery: delivery.recipient_id):
        listed = list(of_one)
        replies = [reply for delivery in listed for reply in delivery.replies.all()]
        found.append(Entry(listed[0].recipient, listed, replies))
    return found


def sentences(delivery: Delivery) -> Iterator[str]:
    """What became of `delivery`, one step a sentence, the earliest first."""
    if delivery.status in HELD and delivery.dispatch.status in HELD_BACK:
        yield str(HELD_BACK[delivery.dispatch.status])
        return
    yield from _by_mail(delivery) if delivery.is_mail else _carried(delivery)
    if delivery.refused_on:
        yield _("Refused to receive: %(date)s") % {"date": date_format(delivery.refused_on)}
    if delivery.registered_on:
        said = {"date": date_format(delivery.registered_on), "number": delivery.registered_as}
        numbered = _("Registered by the office: %(date)s, No. %(number)s")
        yield (numbered if said["number"] else _("Registered by the office: %(date)s")) % said


def reply_sentence(reply: Reply) -> str:
    said = {"date": date_format(reply.received_on)}
    if reply.kind == Reply.Kind.ANSWER:
        return _("Answered: %(date)s") % said
    if reply.kind == Reply.Kind.RECEIPT:
        return _("The office confirmed that it came in: %(date)s") % said
    return _("The office wrote: %(date)s") % said


def _by_mail(delivery: Delivery) -> Iterator[str]:
    if not (delivery.settled_at and (delivery.was_taken_by_relay or delivery.refusal)):
        yield str(OF_NO_DATE.get(delivery.status, _("On its way")))
        return
    said = {"date": date_format(delivery.settled_at, "DATETIME_FORMAT")}
    if not delivery.was_taken_by_relay:
        was_refused = smtp.refuses(delivery.stage, delivery.code)
        yield (_why(delivery) if was_refused else _("Given up, for no mail server took it: %(date)s UTC")) % said
        return
    if delivery.edition.letter.is_demonstration:
        yield _("Accepted by the local mail server of this demonstration: %(date)s UTC") % said
    else:
        yield _("Accepted by our mail server, to be passed on: %(date)s UTC") % said
    if delivery.taken_at:
        yield str(SAID_BY[delivery.taken_how]) % {"date": date_format(delivery.taken_at, "DATETIME_FORMAT")}
    if delivery.ended_on:
        yield _("Came back: %(date)s (%(reason)s)") % {
            "date": date_format(delivery.ended_on),
            "reason": Refusal(delivery.refusal or Refusal.OTHER).label,
        }


def _why(delivery: Delivery) -> str:
    return {
        Refusal.MAILBOX: _("Refused by the mail server, for there is no such mailbox: %(date)s UTC"),
        Refusal.POLICY: _("Refused by the mail server, for its policy: %(date)s UTC"),
    }.get(Refusal(delivery.refusal), _("Refused by the mail server: %(date)s UTC"))


def _carried(delivery: Delivery) -> Iterator[str]:
    waits, sent, handed_over, not_taken = CARRIED[delivery.channel]
    if not (delivery.settled_at and delivery.status in GONE_OUT):
        yield str(OF_NO_DATE.get(delivery.status, waits))
        return
    sent_on = delivery.settled_at.date()
    if delivery.ended_on is None or delivery.ended_on > sent_on:
        yield str(sent) % {"date": date_format(sent_on)}
    if delivery.ended_on:
        end = not_taken if delivery.is_returned else handed_over
        yield str(end) % {"date": date_format(delivery.ended_on)}


def _silent_since(delivery: Delivery) -> date | None:
    """A demonstration goes to nobody, so nobody is silent before somebody has written down a registration."""
    if delivery.registered_on:
        return delivery.registered_on
    if delivery.status not in ARRIVING or delivery.settled_at is None or delivery.edition.letter.is_demonstration:
        return None
    return delivery.settled_at.date()
