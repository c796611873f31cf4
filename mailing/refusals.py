"""Why a mail server would not have a mail, out of what it said: a dead mailbox is not a refusal for policy."""

import re

from django.db import models
from django.utils.translation import gettext_lazy as _

STATUS = re.compile(r"(?<![\d.])[245]\.(\d{1,3})\.(\d{1,3})(?![\d.])")  # RFC 3463
QUEUE_ID = re.compile(
    r"queued as <?([\w.-]+)|\bid=([\w.-]+)|InternalId=(\d+)|taken as ([\w.-]+)"
    r"|^(?:2\.0\.0 )?(\w{10,20}) Message accepted",
    re.IGNORECASE,
)


class Refusal(models.TextChoices):
    """Why a mail server would not have it, as far as it says."""

    MAILBOX = "mailbox", _("there is no such mailbox, or it is closed")
    POLICY = "policy", _("it is against the policy of the mail server: blocked, or taken for spam")
    SIZE = "size", _("the mail is too large, or the mailbox is full")
    OURS = "ours", _("the mail server does not take our sender or our mail server: an operator has to look")
    OTHER = "other", _("for another reason")


# By subject and detail, then by subject alone. What is said of our sender or our server is no word about the letter.
BY_DETAIL: dict[tuple[int, int], Refusal] = {
    (1, 7): Refusal.OURS,
    (1, 8): Refusal.OURS,
    (2, 2): Refusal.SIZE,
    (2, 3): Refusal.SIZE,
    (3, 4): Refusal.SIZE,
    (7, 8): Refusal.OURS,
}
BY_SUBJECT: dict[int, Refusal] = {1: Refusal.MAILBOX, 2: Refusal.MAILBOX, 7: Refusal.POLICY}
# In the order in which they are looked for; the first is said with 5.7.1, too.
BY_WORDS: tuple[tuple[Refusal, re.Pattern[str]], ...] = (
    (Refusal.OURS, re.compile(r"relay(ing)? (access )?(is )?(denied|not permitted|prohibited)|unable to relay", re.I)),
    (
        Refusal.POLICY,
        re.compile(
            r"\b(spam\w*|block(ed|list\w*)|black ?list\w*|dnsbl|rbl|reputation|policy|banned|dmarc|spf)\b", re.I
        ),
    ),
    (
        Refusal.MAILBOX,
        re.compile(
            r"(no such|unknown|invalid|unrouteable) (user|recipient|mailbox|address)|(user|recipient|mailbox) "
            r"(is )?(unknown|unavailable|disabled|inactive|not found|does ?n[o']t exist)|does not exist",
            re.I,
        ),
    ),
    (Refusal.SIZE, re.compile(r"too (large|big)|size limit|quota|mailbox (is )?full", re.I)),
)


def refusal_of(text: str) -> Refusal:
    """`text` is the answer, with its enhanced status code if it has one."""
    status = STATUS.search(text)
    found = _by_words(text)
    if found == Refusal.OURS or not status:
        return found
    subject, detail = int(status[1]), int(status[2])
    coded = BY_DETAIL.get((subject, detail)) or BY_SUBJECT.get(subject)
    if coded == Refusal.MAILBOX and found == Refusal.POLICY:
        return Refusal.POLICY  # some say 5.1.1 of everything
    return coded or found


def queue_id_in(answer: str) -> str:
    """Under which name the relay keeps the mail, where its answer says so."""
    found = QUEUE_ID.search(answer)
    return next((group for group in found.groups() if group), "")[:100] if found else ""


def _by_words(text: str) -> Refusal:
    return next((refusal for refusal, words in BY_WORDS if words.search(text)), Refusal.OTHER)
