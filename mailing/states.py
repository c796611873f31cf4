from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class MailStatus(TextChoices):
    QUEUED = "queued", _("Queued")
    CLAIMED = "claimed", _("Being sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    BOUNCED = "bounced", _("Came back")


MAIL = StateMachine(
    "mail",
    MailStatus,
    {
        MailStatus.QUEUED: (MailStatus.CLAIMED,),
        MailStatus.CLAIMED: (MailStatus.SENT, MailStatus.FAILED, MailStatus.BOUNCED, MailStatus.QUEUED),
        MailStatus.SENT: (MailStatus.BOUNCED,),
    },
)
