from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.states import StateMachine


class SignatureStatus(TextChoices):
    UNCONFIRMED = "unconfirmed", _("Unconfirmed")
    PENDING = "pending", _("Under review")
    ASKED = "asked", _("Question asked")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    LAPSED = "lapsed", _("Lapsed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


SIGNATURE = StateMachine(
    "signature",
    SignatureStatus,
    {
        SignatureStatus.UNCONFIRMED: (SignatureStatus.PENDING, SignatureStatus.WITHDRAWN),
        SignatureStatus.PENDING: (
            SignatureStatus.APPROVED,
            SignatureStatus.REJECTED,
            SignatureStatus.ASKED,
            SignatureStatus.WITHDRAWN,
        ),
        SignatureStatus.ASKED: (SignatureStatus.PENDING, SignatureStatus.WITHDRAWN),
        SignatureStatus.APPROVED: (SignatureStatus.REJECTED, SignatureStatus.LAPSED, SignatureStatus.WITHDRAWN),
        SignatureStatus.REJECTED: (SignatureStatus.APPROVED, SignatureStatus.WITHDRAWN),
        SignatureStatus.LAPSED: (SignatureStatus.APPROVED, SignatureStatus.WITHDRAWN),
    },
)


class OrganisationStatus(TextChoices):
    KNOWN = "known", pgettext_lazy("organisation", "In the registry")
    LOCKED = "locked", pgettext_lazy("organisation", "Access locked")
    MERGED = "merged", pgettext_lazy("organisation", "Merged into another record")


ORGANISATION = StateMachine(
    "organisation",
    OrganisationStatus,
    {
        OrganisationStatus.KNOWN: (OrganisationStatus.LOCKED, OrganisationStatus.MERGED),
        OrganisationStatus.LOCKED: (OrganisationStatus.KNOWN, OrganisationStatus.MERGED),
    },
)


class InvitationStatus(TextChoices):
    PREPARED = "prepared", pgettext_lazy("invitation", "Not sent yet")
    INVITED = "invited", pgettext_lazy("invitation", "Invited")
    SIGNED = "signed", pgettext_lazy("invitation", "Signed")
    DECLINED = "declined", pgettext_lazy("invitation", "Declined")
    REVOKED = "revoked", pgettext_lazy("invitation", "Taken back")


INVITATION = StateMachine(
    "invitation",
    InvitationStatus,
    {
        InvitationStatus.PREPARED: (InvitationStatus.INVITED, InvitationStatus.REVOKED),
        InvitationStatus.INVITED: (InvitationStatus.SIGNED, InvitationStatus.DECLINED, InvitationStatus.REVOKED),
        InvitationStatus.DECLINED: (InvitationStatus.SIGNED,),
    },
)


class CorrectionStatus(TextChoices):
    PENDING = "pending", pgettext_lazy("correction", "Under review")
    ACCEPTED = "accepted", pgettext_lazy("correction", "Accepted")
    DECLINED = "declined", pgettext_lazy("correction", "Declined")


CORRECTION = StateMachine(
    "correction",
    CorrectionStatus,
    {CorrectionStatus.PENDING: (CorrectionStatus.ACCEPTED, CorrectionStatus.DECLINED)},
)


class HandoverStatus(TextChoices):
    OFFERED = "offered", pgettext_lazy("handover", "Waits for the new representative")
    ACCEPTED = "accepted", pgettext_lazy("handover", "Accepted")
    ENDED = "ended", pgettext_lazy("handover", "Taken back or expired")


HANDOVER = StateMachine(
    "handover",
    HandoverStatus,
    {HandoverStatus.OFFERED: (HandoverStatus.ACCEPTED, HandoverStatus.ENDED)},
)


class ImportStatus(TextChoices):
    UPLOADED = "uploaded", pgettext_lazy("import", "Being checked")
    CHECKED = "checked", pgettext_lazy("import", "Checked")
    QUEUED = "queued", pgettext_lazy("import", "Being imported")
    DONE = "done", pgettext_lazy("import", "Imported")
    REFUSED = "refused", pgettext_lazy("import", "Not imported")
    DROPPED = "dropped", pgettext_lazy("import", "Dropped")


IMPORT = StateMachine(
    "import",
    ImportStatus,
    {
        ImportStatus.UPLOADED: (ImportStatus.CHECKED, ImportStatus.REFUSED, ImportStatus.DROPPED),
        ImportStatus.CHECKED: (ImportStatus.QUEUED, ImportStatus.DROPPED),
        ImportStatus.QUEUED: (ImportStatus.DONE, ImportStatus.REFUSED),
    },
)
