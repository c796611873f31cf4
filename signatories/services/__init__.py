"""What happens to signatures: signed (`signing`), decided on (`deciding`), listed (`listing`), changed and withdrawn
(`changing`), reached (`access`).
"""

from signatories.services.access import issue_new_link, issue_new_secret, lock, unlock
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
    take_back,
    take_over,
    withdraw,
)
from signatories.services.deciding import AlreadyApproved, approve, make_lead, reject
from signatories.services.listing import choose_order, mark_delivered, place
from signatories.services.signing import (
    SHOWN_IN,
    Changed,
    NotOpen,
    Signing,
    confirm,
    fingerprint,
    forget_logos,
    forget_unconfirmed,
    name_columns,
    sign,
)

__all__ = [
    "SHOWN_IN",
    "STANDING",
    "AlreadyApproved",
    "Changed",
    "MailedEnough",
    "NotOpen",
    "NotStanding",
    "NothingChanged",
    "SignedAlready",
    "Signing",
    "accept_correction",
    "approve",
    "choose_language",
    "choose_order",
    "confirm",
    "correct",
    "decline_correction",
    "fingerprint",
    "forget_logos",
    "forget_unconfirmed",
    "hand_over",
    "issue_new_link",
    "issue_new_secret",
    "lock",
    "make_lead",
    "mark_delivered",
    "name_columns",
    "place",
    "reject",
    "sign",
    "take_back",
    "take_over",
    "unlock",
    "withdraw",
]
