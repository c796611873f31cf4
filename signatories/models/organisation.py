from datetime import date
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.models import Stateful
from ledger.states import StateMachine
from mailing.encryption import EncryptedTextField
from signatories.states import ORGANISATION, OrganisationStatus


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def live(self) -> "OrganisationQuerySet":
        """All but those that were merged into another record."""
        return self.exclude(status=OrganisationStatus.MERGED)

    def members(self) -> "OrganisationQuerySet":
        """Of the coalition."""
        return self.live().filter(member_since__isnull=False)


class Organisation(Stateful):
    """An organisation as the registry knows it, across letters.

    `name` is what it calls itself, shown in every language that has no name of its own here. `domains` are those of its
    mail and web, without "www."; whoever writes from one of them is taken to belong to it. A record that was merged
    stays, with its history, and leads to the other.
    """

    machine: ClassVar[StateMachine] = ORGANISATION

    status = models.CharField(_("State"), max_length=20, choices=OrganisationStatus, default=OrganisationStatus.KNOWN)
    name = models.CharField(pgettext_lazy("organisation", "Name"), max_length=250)
    folded_name = models.CharField(max_length=250, editable=False)
    acronym = models.CharField(_("Acronym"), max_length=40, blank=True)
    country = models.CharField(_("Country"), max_length=2)
    website = models.URLField(_("Website"), max_length=300, blank=True)
    domains = models.JSONField(_("Domains"), default=list, blank=True)
    public_email = models.EmailField(
        _("Public e-mail address"),
        blank=True,
        help_text=_("The one that it publishes. It is told there who signs in its name, and can object."),
    )
    logo = models.FileField(_("Logo"), upload_to="logos/", blank=True)
    member_since = models.DateField(_("Member of the coalition since"), null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged", editable=False
    )

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ("folded_name",)
        constraints = [
            models.UniqueConstraint(
                fields=("folded_name", "country"), condition=~Q(status="merged"), name="organisation_known_once"
            ),
            models.CheckConstraint(
                condition=Q(status="merged", merged_into__isnull=False)
                | (~Q(status="merged") & Q(merged_into__isnull=True)),
                name="merged_organisation_leads_on",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_locked(self) -> bool:
        return self.status == OrganisationStatus.LOCKED


class Alias(models.Model):
    """Another name under which an organisation is known: an earlier one, a short one, one in a further language."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(pgettext_lazy("organisation", "Name"), max_length=250)
    folded_name = models.CharField(max_length=250, editable=False, db_index=True)
    language = models.CharField(_("Language"), max_length=10, blank=True)

    class Meta:
        verbose_name = _("other name")
        verbose_name_plural = _("other names")
        ordering = ("pk",)
        constraints = [models.UniqueConstraint(fields=("organisation", "folded_name"), name="alias_stated_once")]

    def __str__(self) -> str:
        return self.name


class MandatedSigner(models.Model):
    """A person of whom the organisation has told us that they may sign for it. Both days count, in UTC."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="mandated_signers")
    name = EncryptedTextField(pgettext_lazy("person", "Name"))
    role = EncryptedTextField(pgettext_lazy("signatory", "Role"), blank=True)
    email = EncryptedTextField(_("E-mail"))
    mailbox = models.CharField(max_length=64, editable=False, db_index=True)
    since = models.DateField(_("Since"))
    until = models.DateField(_("Until"), null=True, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="mandates_added")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)
        constraints = [models.UniqueConstraint(fields=("organisation", "mailbox"), name="mandated_signer_known_once")]

    def __str__(self) -> str:
        return f"{self.organisation_id} {self.pk}"

    def holds(self, day: date) -> bool:
        """Whether the mandate is good on `day`."""
        return self.since <= day and (self.until is None or day <= self.until)
