"""What happens to signatures: signed and withdrawn (`signing`), decided on (`deciding`)."""

from signatories.services.deciding import AlreadyApproved, approve, make_lead, reject
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
    withdraw,
)

__all__ = [
    "SHOWN_IN",
    "AlreadyApproved",
    "Changed",
    "NotOpen",
    "Signing",
    "approve",
    "confirm",
    "fingerprint",
    "forget_logos",
    "forget_unconfirmed",
    "make_lead",
    "name_columns",
    "reject",
    "sign",
    "withdraw",
]
