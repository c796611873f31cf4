from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class SignatureStatus(TextChoices):
    UNCONFIRMED = "unconfirmed", _("Unconfirmed")
    PENDING = "pending", _("Under review")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


SIGNATURE = StateMachine(
    "signature",
    SignatureStatus,
    {
        SignatureStatus.UNCONFIRMED: (SignatureStatus.PENDING, SignatureStatus.WITHDRAWN),
        SignatureStatus.PENDING: (SignatureStatus.APPROVED, SignatureStatus.REJECTED, SignatureStatus.WITHDRAWN),
        SignatureStatus.APPROVED: (SignatureStatus.REJECTED, SignatureStatus.WITHDRAWN),
        SignatureStatus.REJECTED: (SignatureStatus.APPROVED, SignatureStatus.WITHDRAWN),
    },
)
