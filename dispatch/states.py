from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class EditionStatus(TextChoices):
    CUT = "cut", _("Being typeset")
    RENDERED = "rendered", _("Being sealed")
    SEALED = "sealed", _("Sealed")
    SUPERSEDED = "superseded", _("Superseded")
    FAILED = "failed", _("Could not be typeset")


EDITION = StateMachine(
    "edition",
    EditionStatus,
    {
        EditionStatus.CUT: (EditionStatus.RENDERED, EditionStatus.FAILED),
        EditionStatus.RENDERED: (EditionStatus.SEALED, EditionStatus.FAILED),
        EditionStatus.SEALED: (EditionStatus.SUPERSEDED,),
        EditionStatus.FAILED: (EditionStatus.CUT,),
    },
)


class DispatchStatus(TextChoices):
    PREPARED = "prepared", _("Prepared")
    AUTHORISED = "authorised", _("Authorised")
    SENDING = "sending", _("Being sent")
    DONE = "done", _("Done")
    HALTED = "halted", _("Halted")
    CANCELLED = "cancelled", _("Cancelled")


DISPATCH = StateMachine(
    "dispatch",
    DispatchStatus,
    {
        DispatchStatus.PREPARED: (DispatchStatus.AUTHORISED, DispatchStatus.CANCELLED),
        DispatchStatus.AUTHORISED: (DispatchStatus.SENDING, DispatchStatus.CANCELLED),
        DispatchStatus.SENDING: (DispatchStatus.DONE, DispatchStatus.HALTED),
        DispatchStatus.HALTED: (DispatchStatus.SENDING, DispatchStatus.CANCELLED),
    },
)


class DeliveryStatus(TextChoices):
    QUEUED = "queued", _("Waiting")
    CLAIMED = "claimed", _("Being connected")
    SENDING = "sending", _("Being handed over")
    ACCEPTED = "accepted", _("Accepted by the mail server")
    DEFERRED = "deferred", _("Put off by the mail server")
    FAILED = "failed", _("Refused")
    UNKNOWN = "unknown", _("Not known")
    CANCELLED = "cancelled", _("Cancelled")


# A refusal at MAIL or RCPT comes before the message is handed over, so a claimed delivery may end there.
DELIVERY = StateMachine(
    "delivery",
    DeliveryStatus,
    {
        DeliveryStatus.QUEUED: (DeliveryStatus.CLAIMED, DeliveryStatus.CANCELLED),
        DeliveryStatus.CLAIMED: (
            DeliveryStatus.SENDING,
            DeliveryStatus.QUEUED,
            DeliveryStatus.DEFERRED,
            DeliveryStatus.FAILED,
        ),
        DeliveryStatus.SENDING: (
            DeliveryStatus.ACCEPTED,
            DeliveryStatus.DEFERRED,
            DeliveryStatus.FAILED,
            DeliveryStatus.UNKNOWN,
        ),
        DeliveryStatus.DEFERRED: (DeliveryStatus.QUEUED, DeliveryStatus.FAILED, DeliveryStatus.CANCELLED),
        DeliveryStatus.UNKNOWN: (DeliveryStatus.ACCEPTED, DeliveryStatus.FAILED, DeliveryStatus.QUEUED),
    },
)
