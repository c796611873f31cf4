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
from mailing.encryption import EncryptedTextField, keyed_index
from mailing.refusals import Refusal
from signatories.models.invitation import Invitation
from signatories.models.organisation import Organisation
from signatories.states import SIGNATURE, OrganisationStatus, SignatureStatus


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

    def standing_for(self, letter: Letter, *, mailbox: str, folded_name: str) -> "SignatureQuerySet":
        """The one row of a mailbox and a name (`signature_is_one_row`), asked for so that its index answers."""
        return self.filter(
            ~Q(status=SignatureStatus.WITHDRAWN) & ~Q(mailbox=""),
            letter=letter,
            mailbox=mailbox,
            folded_name=folded_name,
        )

    def public(self) -> "SignatureQuerySet":
        """Whose names may be read by everyone."""
        return self.approved().filter(visibility=Signature.Visibility.PUBLIC)

    def of_organisations(self) -> "SignatureQuerySet":
        return self.filter(kind=Signature.Kind.ORGANISATION)

    def of_individuals(self) -> "SignatureQuerySet":
        return self.filter(kind=Signature.Kind.INDIVIDUAL)

    def binding(self, letter: Letter) -> "SignatureQuerySet":
        """Approved, and of the text of `letter` as it stands in its meaning: these enter an edition."""
        return self.approved().filter(letter=letter, version__number__gte=letter.binding_number)

    def of_earlier_text(self) -> "SignatureQuerySet":
        """Of a text whose meaning has changed since."""
        later = Version.objects.filter(letter=models.OuterRef("letter"), is_material=True)
        return self.filter(models.Exists(later.filter(number__gt=models.OuterRef("version__number"))))

    def standing(self) -> "SignatureQuerySet":
        """Whose signers have confirmed it, and have not heard no: approved, or on the way there."""
        return self.filter(status__in=(SignatureStatus.PENDING, SignatureStatus.ASKED, SignatureStatus.APPROVED))

    def of_organisation(self, organisation: Organisation) -> "SignatureQuerySet":
        """Linked to it, or of its name and country."""
        named = Q(folded_name=organisation.folded_name, country=organisation.country)
        return self.filter(Q(organisation=organisation) | named)

    def unlocked(self) -> "SignatureQuerySet":
        """All but those of organisations whose access is locked: linked to one, of its name and country, or ticked."""
        locked = Organisation.objects.filter(status=OrganisationStatus.LOCKED)
        named = locked.filter(folded_name=models.OuterRef("folded_name"), country=models.OuterRef("country"))
        ticked = locked.filter(locked_too=models.OuterRef("pk"))
        return self.exclude(organisation__in=locked).exclude(models.Exists(named)).exclude(models.Exists(ticked))

    def withheld(self) -> "SignatureQuerySet":
        """Counted, never named."""
        return self.approved().filter(visibility=Signature.Visibility.WITHHELD)


class Signature(Stateful):
    """One organisation, or one individual, under one version of one letter.

    Only the organisation's name and country (an individual's name and affiliation) are ever public, and these only
    where `visibility` says so. Representative, role and e-mail are encrypted; `mailbox` is the keyed index of the
    address. `grade` and `risk` are the highest of its evidence and the sum of its doubts, kept for the queue's order.
    Links of an earlier `link_generation` than the row's are dead, but for those that withdraw: these work from
    `held_since` on, the generation with which the present representative began.
    """

    class Kind(models.TextChoices):
        ORGANISATION = "organisation", _("Organisation")
        INDIVIDUAL = "individual", _("Individual")

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("Public")
        WITHHELD = "withheld", _("Withheld")

    class Reason(models.TextChoices):
        AUTHORITY = "authority", _("We could not establish that the person who signed may speak for the organisation.")
        UNKNOWN = "unknown", _("We could not establish that the organisation exists.")
        DUPLICATE = "duplicate", _("The organisation has signed this letter already.")
        SCOPE = "scope", _("This letter is co-signed by organisations only, and this is not one.")
        BEFORE = "before", _("It was rejected before this site kept the signatures.")

    class Via(models.TextChoices):
        FORM = "form", _("Through the form")
        MAIL = "mail", _("By mail")
        MESSENGER = "messenger", _("By messenger")
        TELEPHONE = "telephone", _("By telephone")
        IMPORT = "import", _("By import")

    machine: ClassVar[StateMachine] = SIGNATURE

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="signatures")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="signatures")
    asked_version = models.ForeignKey(
        Version, null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.PROTECT, related_name="signatures"
    )
    # Whose lock closes it, too, though it is neither linked to that organisation nor of its name.
    locked_with = models.ManyToManyField(Organisation, related_name="locked_too", editable=False)
    invitation = models.ForeignKey(
        Invitation, null=True, blank=True, on_delete=models.PROTECT, related_name="signatures"
    )
    status = models.CharField(_("State"), max_length=20, choices=SignatureStatus, default=SignatureStatus.UNCONFIRMED)
    kind = models.CharField(_("Who signs"), max_length=12, choices=Kind, default=Kind.ORGANISATION)
    visibility = models.CharField(_("Visibility"), max_length=10, choices=Visibility)
    is_lead = models.BooleanField(_("Lead organisation"), default=False)
    position = models.PositiveIntegerField(_("Place in the list"), null=True, blank=True)

    name = models.CharField(pgettext_lazy("signature", "Name"), max_length=250)
    folded_name = models.CharField(max_length=250, editable=False)
    affiliation = models.CharField(_("Affiliation, for identification only"), max_length=250, blank=True)
    country = models.CharField(_("Country"), max_length=2)
    website = models.URLField(_("Website"), max_length=300, blank=True)
    logo = models.FileField(_("Logo"), upload_to="logos/", blank=True)

    representative = EncryptedTextField(_("Representative"), blank=True)
    role = EncryptedTextField(pgettext_lazy("signatory", "Role"), blank=True)
    email = EncryptedTextField(_("E-mail"), blank=True)
    mailbox = models.CharField(max_length=64, editable=False, blank=True)
    language = models.CharField(_("Language"), max_length=10)

    via = models.CharField(_("Received"), max_length=12, choices=Via, default=Via.FORM)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="signatures_recorded"
    )
    link_generation = models.PositiveSmallIntegerField(default=0, editable=False)
    held_since = models.PositiveSmallIntegerField(default=0, editable=False)
    secret_index = models.CharField(max_length=64, editable=False, blank=True, db_index=True)
    grade = models.PositiveSmallIntegerField(_("Evidence"), default=0)
    risk = models.PositiveSmallIntegerField(_("Doubt"), default=0)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="assignments"
    )

    signed_at = models.DateTimeField(_("Signed"), default=timezone.now)
    link_mailed_at = models.DateTimeField(null=True, editable=False)
    reminded_at = models.DateTimeField(null=True, editable=False)
    no_reminders = models.BooleanField(default=False, editable=False)
    confirmed_at = models.DateTimeField(_("Confirmed"), null=True, blank=True)
    disputed_at = models.DateTimeField(_("Objected to by the organisation"), null=True, blank=True)
    decided_at = models.DateTimeField(_("Decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions"
    )
    reason = models.CharField(_("Reason"), max_length=20, choices=Reason, blank=True)
    delivered_at = models.DateTimeField(_("First sent in an edition"), null=True, blank=True)
    forgotten_at = models.DateTimeField(_("Contact deleted"), null=True, blank=True)
    bounced_at = models.DateTimeField(_("Mails come back since"), null=True, blank=True)
    bounced_for = models.CharField(max_length=10, choices=Refusal, blank=True, editable=False)

    objects = SignatureQuerySet.as_manager()

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ("pk",)
        indexes = [
            models.Index(fields=("letter", "status", "folded_name"), name="signatures_in_order"),
            models.Index(fields=("status", "letter", "risk"), name="signatures_in_queue"),
            models.Index(fields=("mailbox",), name="signatures_of_mailbox"),
            models.Index(fields=("letter", "signed_at"), name="signatures_by_time"),
            models.Index(fields=("status", "signed_at"), name="signatures_to_forget"),
            models.Index(fields=("bounced_at",), name="signatures_out_of_reach"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("letter", "mailbox", "folded_name"),
                condition=~Q(status="withdrawn") & ~Q(mailbox=""),
                name="signature_is_one_row",
            ),
            models.UniqueConstraint(
                fields=("letter", "organisation"), condition=Q(status="approved"), name="organisation_approved_once"
            ),
            models.CheckConstraint(
                condition=~Q(status="approved") | Q(organisation__isnull=False) | Q(kind="individual"),
                name="approved_has_organisation",
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
    def is_told(self) -> bool:
        """Whether staff wrote down what somebody told them; nobody filled in anything."""
        return self.via in (self.Via.MAIL, self.Via.MESSENGER, self.Via.TELEPHONE)

    @property
    def addressed_as(self) -> str:
        """What a mail to the signer says it is about: this signature at the address that it has now."""
        return f"signature:{self.pk}:{keyed_index('addressed', f'{self.pk}:{self.email.casefold()}')[:20]}"

    @property
    def is_withheld(self) -> bool:
        return self.visibility == self.Visibility.WITHHELD

    @property
    def is_locked(self) -> bool:
        """Whether staff have closed the signer's own pages, but for withdrawing."""
        return not Signature.objects.unlocked().filter(pk=self.pk).exists()
