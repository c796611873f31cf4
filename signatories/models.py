from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.models import Stateful
from ledger.states import StateMachine
from letters.models import Letter, Version
from signatories.states import SIGNATURE, SignatureStatus


class Organisation(models.Model):
    """An organisation as the registry knows it, across letters.

    `name` is what it calls itself, shown in every language that has no name of its own here.
    """

    name = models.CharField(pgettext_lazy("organisation", "Name"), max_length=250)
    folded_name = models.CharField(max_length=250, editable=False)
    country = models.CharField(_("Country"), max_length=2)
    website = models.URLField(_("Website"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ("folded_name",)
        constraints = [models.UniqueConstraint(fields=("folded_name", "country"), name="organisation_known_once")]

    def __str__(self) -> str:
        return self.name


class SignatureQuerySet(models.QuerySet["Signature"]):
    def confirmed(self) -> "SignatureQuerySet":
        """What waits for the staff's decision, the oldest first."""
        return self.filter(status=SignatureStatus.PENDING).order_by("confirmed_at", "pk")

    def approved(self) -> "SignatureQuerySet":
        """In the order of the list: lead organisations first, then by name."""
        return self.filter(status=SignatureStatus.APPROVED).order_by("-is_lead", "folded_name", "pk")

    def live(self) -> "SignatureQuerySet":
        """All but those that were withdrawn: these are over, and whoever signs again signs anew."""
        return self.exclude(status=SignatureStatus.WITHDRAWN)

    def public(self) -> "SignatureQuerySet":
        """Whose names may be read by everyone."""
        return self.approved().filter(visibility=Signature.Visibility.PUBLIC)

    def withheld(self) -> "SignatureQuerySet":
        """Counted, never named."""
        return self.approved().filter(visibility=Signature.Visibility.WITHHELD)


class Signature(Stateful):
    """One organisation under one version of one letter.

    Only the organisation's name and country are ever public, and these only where `visibility` says so.
    """

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("Public")
        WITHHELD = "withheld", _("Withheld")

    class Reason(models.TextChoices):
        AUTHORITY = "authority", _("We could not establish that the person who signed may speak for the organisation.")
        UNKNOWN = "unknown", _("We could not establish that the organisation exists.")
        DUPLICATE = "duplicate", _("The organisation has signed this letter already.")
        SCOPE = "scope", _("This letter is co-signed by organisations only, and this is not one.")

    machine: ClassVar[StateMachine] = SIGNATURE

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="signatures")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="signatures")
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.PROTECT, related_name="signatures"
    )
    status = models.CharField(_("State"), max_length=20, choices=SignatureStatus, default=SignatureStatus.UNCONFIRMED)
    visibility = models.CharField(_("Visibility"), max_length=10, choices=Visibility)
    is_lead = models.BooleanField(_("Lead organisation"), default=False)

    name = models.CharField(_("Organisation"), max_length=250)
    folded_name = models.CharField(max_length=250, editable=False)
    country = models.CharField(_("Country"), max_length=2)
    website = models.URLField(_("Website"), max_length=300, blank=True)

    representative = models.CharField(_("Representative"), max_length=150)
    role = models.CharField(_("Role"), max_length=150)
    email = models.EmailField(_("E-mail"))
    folded_email = models.CharField(max_length=254, editable=False)
    language = models.CharField(_("Language"), max_length=10)

    signed_at = models.DateTimeField(_("Signed"), default=timezone.now)
    link_mailed_at = models.DateTimeField(null=True, editable=False)
    confirmed_at = models.DateTimeField(_("Confirmed"), null=True, blank=True)
    decided_at = models.DateTimeField(_("Decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions"
    )
    reason = models.CharField(_("Reason"), max_length=20, choices=Reason, blank=True)

    objects = SignatureQuerySet.as_manager()

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ("pk",)
        indexes = [models.Index(fields=("letter", "status", "folded_name"), name="signatures_in_order")]
        constraints = [
            models.UniqueConstraint(
                fields=("letter", "folded_email", "folded_name"),
                condition=~Q(status="withdrawn"),
                name="signature_is_one_row",
            ),
            models.UniqueConstraint(
                fields=("letter", "organisation"), condition=Q(status="approved"), name="organisation_approved_once"
            ),
            models.CheckConstraint(
                condition=~Q(status="approved") | Q(organisation__isnull=False), name="approved_has_organisation"
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True, decided_by__isnull=True)
                | Q(decided_at__isnull=False, decided_by__isnull=False),
                name="decision_has_who_and_when",
            ),
            models.CheckConstraint(condition=~Q(status="rejected") | ~Q(reason=""), name="rejected_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.letter.slug} {self.pk}"

    @property
    def is_withheld(self) -> bool:
        return self.visibility == self.Visibility.WITHHELD
