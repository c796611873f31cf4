"""What happens to signatures: signed and withdrawn (`signing`), looked at (`reviewing`) and decided on (`deciding`)."""

from signatories.services.deciding import AlreadyApproved, approve, make_lead, reject
from signatories.services.reviewing import (
    AlreadySigned,
    NothingChanged,
    answer,
    approve_batch,
    ask,
    assign,
    note,
    spell,
    take_back,
)
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
    "AlreadySigned",
    "Changed",
    "NotOpen",
    "NothingChanged",
    "Signing",
    "answer",
    "approve",
    "approve_batch",
    "ask",
    "assign",
    "confirm",
    "fingerprint",
    "forget_unconfirmed",
    "make_lead",
    "name_columns",
    "note",
    "reject",
    "sign",
    "spell",
    "take_back",
    "withdraw",
]
