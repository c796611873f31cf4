"""What happens to signatures: signed (`signing`), looked at (`reviewing`), decided on (`deciding`), listed (`listing`),
changed and withdrawn (`changing`), reached (`access`), kept for another text (`consent`); what signers are told
(`telling`), and what is not kept (`retention`).
"""

from signatories.services.access import issue_new_link, issue_new_secret, lock, take_back, unlock
from signatories.services.changing import (
    STANDING,
    MailedEnough,
    NothingChanged,
    NotStanding,
    SignedAlready,
    accept_correction,
    choose_language,
    correct,
    decline_correction,
    hand_over,
    leave_the_pages,
    take_over,
    withdraw,
    withhold,
)
from signatories.services.consent import ask_for_consent, keep, lapse
from signatories.services.deciding import AlreadyApproved, EarlierText, RecordedByOneself, approve, make_lead, reject
from signatories.services.listing import choose_order, mark_delivered, place
from signatories.services.reach import has_read
from signatories.services.retention import forget_contacts, forget_logos, forget_unconfirmed
from signatories.services.reviewing import answer, approve_batch, ask, assign, note, take_back_question
from signatories.services.signing import (
    SHOWN_IN,
    Changed,
    NotOpen,
    Signing,
    confirm,
    fingerprint,
    is_stated_again,
    name_columns,
    sign,
)
from signatories.services.telling import remind, stop_reminders, tell_published

__all__ = [
    "SHOWN_IN",
    "STANDING",
    "AlreadyApproved",
    "Changed",
    "EarlierText",
    "MailedEnough",
    "NotOpen",
    "NotStanding",
    "NothingChanged",
    "RecordedByOneself",
    "SignedAlready",
    "Signing",
    "accept_correction",
    "answer",
    "approve",
    "approve_batch",
    "ask",
    "ask_for_consent",
    "assign",
    "choose_language",
    "choose_order",
    "confirm",
    "correct",
    "decline_correction",
    "fingerprint",
    "forget_contacts",
    "forget_logos",
    "forget_unconfirmed",
    "hand_over",
    "has_read",
    "is_stated_again",
    "issue_new_link",
    "issue_new_secret",
    "keep",
    "lapse",
    "leave_the_pages",
    "lock",
    "make_lead",
    "mark_delivered",
    "name_columns",
    "note",
    "place",
    "reject",
    "remind",
    "sign",
    "stop_reminders",
    "take_back",
    "take_back_question",
    "take_over",
    "tell_published",
    "unlock",
    "withdraw",
    "withhold",
]
