from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatch.states import DELIVERY, DISPATCH, EDITION, DeliveryStatus, DispatchStatus, EditionStatus
from ledger.models import Stateful
from ledger.states import StateMachine
from letters.models import Letter, Version
from signatories.models import Signature
from signatories.states import SignatureStatus


class Recipient(models.Model):
    """An office to which a letter is addressed. Address block and salutation are written whole, never declined."""

    class Kind(models.TextChoices):
        TO = "to", _("Addressee")
        CC = "cc", _("Copy")

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="recipients")
    kind = models.CharField(_("Kind"), max_length=2, choices=Kind)
    order = models.PositiveSmallIntegerField(_("Order"))
    title = models.CharField(_("Office, in the nominative"), max_length=250)
    name = models.CharField(_("Name, in the nominative"), max_length=250)
    address_block = models.TextField(_("Address block"))
    salutation = models.CharField(_("Salutation"), max_length=200)
    email = models.EmailField(_("E-mail"))
    language = models.CharField(_("Language of the mail"), max_length=10)

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        ordering = ("order",)
        constraints = [models.UniqueConstraint(fields=("letter", "email"), name="recipient_of_letter_once")]

    def __str__(self) -> str:
        return self.title


class Covering(models.Model):
    """The text of the mail that carries a letter. Placeholders are those of `dispatch.emails.covering`."""

    letter = models.OneToOneField(Letter, on_delete=models.CASCADE, related_name="covering")
    subject = models.CharField(_("Subject"), max_length=200)
    body = models.TextField(_("Text"))

    class Meta:
        verbose_name = _("covering text")
        verbose_name_plural = _("covering texts")

    def __str__(self) -> str:
        return self.subject


class EditionQuerySet(models.QuerySet["Edition"]):
    def public(self) -> "EditionQuerySet":
        """Sealed, now or earlier; the latest first."""
        return self.filter(status__in=(EditionStatus.SEALED, EditionStatus.SUPERSEDED)).order_by("-number")


class Edition(Stateful):
    """A version, its approved signatories and its addressees, frozen and numbered."""

    machine: ClassVar[StateMachine] = EDITION

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="editions")
    number = models.PositiveIntegerField()
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="editions")
    signatures = models.ManyToManyField(Signature, related_name="editions")
    content = models.JSONField()
    sha256 = models.CharField(max_length=64)
    reference = models.CharField(max_length=60, unique=True)
    status = models.CharField(max_length=20, choices=EditionStatus, default=EditionStatus.CUT)
    failure = models.TextField(blank=True)
    cut_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="editions_cut"
    )
    cut_at = models.DateTimeField(default=timezone.now)

    objects = EditionQuerySet.as_manager()

    class Meta:
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=("letter", "number"), name="edition_number_is_the_letters_own")]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("edition", kwargs={"slug": self.letter.slug, "number": self.number})

    @property
    def waits_for_stamp_since(self) -> datetime | None:
        """Since when the authority that stamps the time has not answered; None where nothing waits for it."""
        if self.status != EditionStatus.RENDERED:
            return None
        return min((file.waits_since for file in self.files.all() if file.waits_since), default=None)

    @property
    def names_someone_who_left(self) -> bool:
        """Whether it shows a name that may not be shown any more; its PDFs are then not public.

        A signature that is not there any more has left, too. One that lapsed has not: it was of this edition's text.
        """
        shown = {entry["signature"] for entry in self.content["signatories"]}
        stays = (SignatureStatus.APPROVED, SignatureStatus.LAPSED)
        still = self.signatures.filter(status__in=stays, visibility=Signature.Visibility.PUBLIC)
        return not shown <= set(still.values_list("pk", flat=True))


class EditionFileQuerySet(models.QuerySet["EditionFile"]):
    def unfinished(self, now: datetime) -> "EditionFileQuerySet":
        """To be typeset or sealed, and not put off."""
        at_work = (EditionStatus.CUT, EditionStatus.RENDERED)
        return self.filter(edition__status__in=at_work, not_before__lte=now)

    def published(self) -> "EditionFileQuerySet":
        """Those whose checksum stands on a public page, also where the file itself is offered no more."""
        return self.filter(edition__in=Edition.objects.public(), edition__letter__in=Letter.objects.public())


class EditionFile(models.Model):
    """An edition in one language: typeset once, sealed once, then kept byte for byte.

    `certificate` is the SHA-256 of the one that sealed it. While no time stamp is to be had, the file waits for it
    `waits_since` then, and is tried again `not_before`.
    """

    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="files")
    language = models.CharField(max_length=10)
    rendered = models.CharField(max_length=200, blank=True)
    sealed = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveIntegerField(default=0)
    pages = models.PositiveSmallIntegerField(default=0)
    sealed_at = models.DateTimeField(null=True)
    certificate = models.CharField(max_length=64, blank=True)
    waits_since = models.DateTimeField(null=True)
    not_before = models.DateTimeField(default=timezone.now)

    objects = EditionFileQuerySet.as_manager()

    class Meta:
        ordering = ("language",)
        constraints = [models.UniqueConstraint(fields=("edition", "language"), name="edition_file_of_language_once")]

    def __str__(self) -> str:
        return f"{self.edition} {self.language}"


class Dispatch(Stateful):
    """One edition on its way to a frozen set of recipients. It takes two members of staff."""

    machine: ClassVar[StateMachine] = DISPATCH

    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="dispatches")
    status = models.CharField(max_length=20, choices=DispatchStatus, default=DispatchStatus.PREPARED)
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="dispatches_prepared"
    )
    prepared_at = models.DateTimeField(default=timezone.now)
    authorised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="dispatches_authorised"
    )
    authorised_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(authorised_by__isnull=True) | ~Q(authorised_by=F("prepared_by")),
                name="dispatch_takes_two_people",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("prepared", "cancelled")) | Q(authorised_by__isnull=False),
                name="dispatch_is_authorised_before_it_goes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.edition.reference} {self.pk}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, now: datetime) -> "DeliveryQuerySet":
        return self.filter(status=DeliveryStatus.QUEUED, dispatch__status=DispatchStatus.SENDING, not_before__lte=now)

    def put_off_until(self, now: datetime) -> "DeliveryQuerySet":
        """Deferred, and the wait is over."""
        return self.filter(status=DeliveryStatus.DEFERRED, not_before__lte=now)

    def abandoned(self, now: datetime) -> "DeliveryQuerySet":
        """In the hands of a worker that did not come back within its lease."""
        return self.filter(status__in=(DeliveryStatus.CLAIMED, DeliveryStatus.SENDING), lease_until__lt=now)

    def open(self) -> "DeliveryQuerySet":
        """What somebody, machine or person, still has to bring to an end."""
        return self.exclude(status__in=(DeliveryStatus.ACCEPTED, DeliveryStatus.FAILED, DeliveryStatus.CANCELLED))


class Delivery(Stateful):
    """One edition to one address, once: what was tried, and what the mail server said."""

    machine: ClassVar[StateMachine] = DELIVERY

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="deliveries")
    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="deliveries")
    recipient = models.ForeignKey(Recipient, on_delete=models.PROTECT, related_name="deliveries")
    address = models.EmailField()
    language = models.CharField(max_length=10)
    message_id = models.CharField(max_length=200)
    status = models.CharField(max_length=20, choices=DeliveryStatus, default=DeliveryStatus.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    first_tried_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    stage = models.CharField(max_length=20, blank=True)
    code = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        indexes = [models.Index(fields=("status", "not_before"), name="delivery_due")]
        constraints = [
            models.UniqueConstraint(
                fields=("edition", "address"),
                condition=~Q(status="cancelled"),
                name="edition_goes_to_an_address_once",
            )
        ]

    def __str__(self) -> str:
        return self.message_id
