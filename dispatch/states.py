from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.states import StateMachine


class EditionStatus(TextChoices):
    CUT = "cut", _("Being typeset")
    RENDERED = "rendered", _("Being sealed")
    SEALED = "sealed", _("Sealed")
    SUPERSEDED = "superseded", _("Superseded")
    FAILED = "failed", _("Could not be typeset")


class Failure(TextChoices):
    """Why an edition could not be typeset or sealed: kept by its name, and said in the language of whoever reads it."""

    GLYPH = "glyph", _("No font of this site has a character that stands in it:")
    ASKED = "asked", _("It asks for a file that was not given to it. An operator has to look:")
    LIBRARY = "library", _("The library that sets type is missing. An operator has to install it (libpango):")
    CERTIFICATE = "certificate", _("It prints the fingerprint of another certificate than the one that seals now.")
    SEAL = "seal", _("The certificate that seals can’t be opened. An operator has to mend it (SEAL_P12).")


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


class DryRunStatus(TextChoices):
    ASKED = "asked", _("Asked for")
    RUNNING = "running", _("Running")
    SAME = "same", _("Every mail arrived as it is frozen")
    DIFFERENT = "different", _("Not every mail arrived as it is frozen")


DRY_RUN = StateMachine(
    "dry run",
    DryRunStatus,
    {
        DryRunStatus.ASKED: (DryRunStatus.RUNNING,),
        DryRunStatus.RUNNING: (DryRunStatus.SAME, DryRunStatus.DIFFERENT, DryRunStatus.ASKED),
    },
)


class DeliveryStatus(TextChoices):
    QUEUED = "queued", _("Waiting")
    CLAIMED = "claimed", _("Being connected")
    SENDING = "sending", _("Being handed over")
    ACCEPTED = "accepted", _("Accepted by a mail server")
    DEFERRED = "deferred", _("Put off by the mail server")
    FAILED = "failed", _("Not taken by the mail server")
    UNKNOWN = "unknown", _("Not known")
    CANCELLED = "cancelled", _("Cancelled")
    BOUNCED = "bounced", _("Came back")
    REGISTERED = "registered", _("Registered by the office")
    TO_PRINT = "to_print", _("Waits for a person")
    POSTED = "posted", _("Sent off by a person")
    DELIVERED = "delivered", _("Taken by the office")
    RETURNED = "returned", _("Not taken by the office")
    REFUSED = "refused", _("Refused to receive")


# A refusal at MAIL or RCPT comes before the message is handed over, so a claimed delivery may end there. What a person
# carries waits in the queue, too, until its dispatch is authorised. An office may register what it refused or lost.
DELIVERY = StateMachine(
    "delivery",
    DeliveryStatus,
    {
        DeliveryStatus.QUEUED: (DeliveryStatus.CLAIMED, DeliveryStatus.TO_PRINT, DeliveryStatus.CANCELLED),
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
        DeliveryStatus.ACCEPTED: (DeliveryStatus.BOUNCED, DeliveryStatus.REGISTERED),
        DeliveryStatus.FAILED: (DeliveryStatus.REFUSED,),
        DeliveryStatus.BOUNCED: (DeliveryStatus.REGISTERED, DeliveryStatus.REFUSED),
        DeliveryStatus.TO_PRINT: (
            DeliveryStatus.POSTED,
            DeliveryStatus.DELIVERED,
            DeliveryStatus.RETURNED,
            DeliveryStatus.CANCELLED,
        ),
        DeliveryStatus.POSTED: (DeliveryStatus.DELIVERED, DeliveryStatus.RETURNED, DeliveryStatus.REGISTERED),
        DeliveryStatus.DELIVERED: (DeliveryStatus.REGISTERED,),
        DeliveryStatus.RETURNED: (DeliveryStatus.REGISTERED, DeliveryStatus.REFUSED),
        DeliveryStatus.REFUSED: (DeliveryStatus.REGISTERED,),
    },
)


class SwitchStatus(TextChoices):
    OFF = "off", pgettext_lazy("sending", "Off")
    ON = "on", pgettext_lazy("sending", "On")


SWITCH = StateMachine(
    "stop switch",
    SwitchStatus,
    {SwitchStatus.OFF: (SwitchStatus.ON,), SwitchStatus.ON: (SwitchStatus.OFF,)},
)


class HostStatus(TextChoices):
    WAITING = "waiting", _("Waits to be let in")
    ADMITTED = "admitted", _("May send")


HOST = StateMachine("host", HostStatus, {HostStatus.WAITING: (HostStatus.ADMITTED,)})

# Somebody still has to bring these to an end.
UNDER_WAY = (
    DeliveryStatus.QUEUED,
    DeliveryStatus.CLAIMED,
    DeliveryStatus.SENDING,
    DeliveryStatus.DEFERRED,
    DeliveryStatus.UNKNOWN,
    DeliveryStatus.TO_PRINT,
)
# The letter has left the house, whatever became of it: `settled_at` says when.
GONE_OUT = (
    DeliveryStatus.ACCEPTED,
    DeliveryStatus.BOUNCED,
    DeliveryStatus.REGISTERED,
    DeliveryStatus.POSTED,
    DeliveryStatus.DELIVERED,
    DeliveryStatus.RETURNED,
    DeliveryStatus.REFUSED,
)
# As far as anybody knows, it is with the office or on its way there.
ARRIVING = (DeliveryStatus.ACCEPTED, DeliveryStatus.REGISTERED, DeliveryStatus.POSTED, DeliveryStatus.DELIVERED)
# Nothing of these has left the house, and nobody is about to hand it over.
HELD = (DeliveryStatus.QUEUED, DeliveryStatus.DEFERRED, DeliveryStatus.TO_PRINT)
# It did not get there by this way: the next rung of the ladder is a person's to choose.
TURNED_AWAY = (DeliveryStatus.FAILED, DeliveryStatus.BOUNCED, DeliveryStatus.RETURNED)
