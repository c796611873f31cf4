"""What happens to signatures: signed and withdrawn (`signing`), decided on (`deciding`), listed (`listing`)."""

from signatories.services.deciding import AlreadyApproved, approve, make_lead, reject
from signatories.services.listing import choose_order, mark_delivered, place
from signatories.services.signing import (
    SHOWN_IN,
    Changed,
    NotOpen,
    Signing,
    confirm,
    fingerprint,
    forget_unconfirmed,
    name_columns,
    sign,
    withdraw,
)

__all__ = [
    "SHOWN_IN",
    "AlreadyApproved",
    "Changed",
    "NotOpen",
    "Signing",
    "approve",
    "choose_order",
    "confirm",
    "fingerprint",
    "forget_unconfirmed",
    "make_lead",
    "mark_delivered",
    "name_columns",
    "place",
    "reject",
    "sign",
    "withdraw",
]
