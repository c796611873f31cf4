from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.models import Stateful
from ledger.states import StateMachine
from letters.models import Letter
from mailing.encryption import EncryptedTextField
from signatories.models.organisation import Organisation
from signatories.states import INVITATION, InvitationStatus


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def live(self) -> "InvitationQuerySet":
        return self.exclude(status=InvitationStatus.REVOKED)

    def silent(self) -> "InvitationQuerySet":
        """Invited, and nothing heard since."""
        return self.filter(status=InvitationStatus.INVITED)

    def to_be_sent(self) -> "InvitationQuerySet":
        return self.filter(status=InvitationStatus.PREPARED).order_by("pk")

    def to_be_chased(self) -> "InvitationQuerySet":
        """Silent, and staff have asked for the one chaser that each may get."""
        return self.silent().filter(to_chase=True, chased_at=None).order_by("pk")


class Invitation(Stateful):
    """One organisation asked to sign one letter, by a link of its own in its own language.

    `to_chase` and the state `prepared` are the queue of its mails. `no_more_mails` is the wish of whoever reads the
    mailbox: no letter's invitation goes there again.
    """

    machine: ClassVar[StateMachine] = INVITATION

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="invitations")
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.PROTECT, related_name="invitations"
    )
    status = models.CharField(_("State"), max_length=20, choices=InvitationStatus, default=InvitationStatus.PREPARED)
    name = models.CharField(pgettext_lazy("organisation", "Name"), max_length=250)
    folded_name = models.CharField(max_length=250, editable=False)
    email = EncryptedTextField(_("E-mail"))
    mailbox = models.CharField(max_length=64, editable=False)
    language = models.CharField(_("Language"), max_length=10)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="invitations")
    prepared_at = models.DateTimeField(default=timezone.now)
    invited_at = models.DateTimeField(null=True)
    chased_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    to_chase = models.BooleanField(default=False)
    no_more_mails = models.BooleanField(default=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ("folded_name", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=("letter", "mailbox", "folded_name"),
                condition=~Q(status="revoked"),
                name="organisation_invited_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.letter.slug} {self.pk}"
