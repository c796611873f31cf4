from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.models import Stateful
from ledger.states import StateMachine
from letters.states import LETTER, LetterStatus


class Campaign(models.Model):
    """Why letters are written: an event in a country, and who calls."""

    hashtag = models.CharField(_("Hashtag"), max_length=50, unique=True)
    country = models.CharField(_("Country"), max_length=2)
    event = models.CharField(_("Event"), max_length=200)
    event_date = models.DateField(_("Date of the event"))
    host_organisation = models.CharField(_("Host organisation"), max_length=200)
    host_website = models.URLField(_("Website"))
    contacts_until = models.DateField(
        _("Contacts kept until"),
        null=True,
        blank=True,
        help_text=_("After this day the names and addresses of those who signed for organisations are deleted."),
    )

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")

    def __str__(self) -> str:
        return self.hashtag


class LetterQuerySet(models.QuerySet["Letter"]):
    def public(self) -> "LetterQuerySet":
        return self.filter(published_at__lte=timezone.now())

    def taking_signatures(self) -> "LetterQuerySet":
        """Those of which `takes_signatures` is true."""
        over = models.Q(signing_until__lt=timezone.now().date())
        return self.filter(status=LetterStatus.OPEN).exclude(over)


class Letter(Stateful):
    """An open letter: what stands around its blocks of text, and who may sign it until when."""

    class Order(models.TextChoices):
        NAME = "name", _("By name")
        DATE = "date", _("By date of signing")
        HAND = "hand", pgettext_lazy("order of a list", "By hand")

    machine: ClassVar[StateMachine] = LETTER

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="letters")
    slug = models.SlugField(_("Address"), unique=True)
    status = models.CharField(_("State"), max_length=20, choices=LetterStatus, default=LetterStatus.DRAFT)
    dated = models.DateField(_("Date of the letter"))
    title = models.CharField(_("Title"), max_length=250)
    subject = models.CharField(_("Subject"), max_length=250)
    salutation = models.CharField(_("Salutation"), max_length=200)
    closing = models.CharField(_("Closing"), max_length=200)
    contact_name = models.CharField(_("Contact"), max_length=200)
    contact_address = models.TextField(_("Postal address"))
    contact_email = models.EmailField(_("E-mail"))
    signing_until = models.DateField(_("Signing until"), null=True, blank=True)
    published_at = models.DateTimeField(_("Published"), null=True, blank=True)
    archived_at = models.DateTimeField(_("Archived"), null=True, blank=True)
    accepts_individuals = models.BooleanField(_("Individuals may sign, too"), default=False)
    signatory_order = models.CharField(_("Order of the signatories"), max_length=10, choices=Order, default=Order.NAME)
    ignores_articles = models.BooleanField(
        _("Articles at the beginning of a name don’t count in the order"), default=True
    )
    is_guarded = models.BooleanField(
        _("Every signature takes a proof of work"),
        default=False,
        help_text=_("Without this, the form asks for it only while it is under attack."),
    )
    is_demonstration = models.BooleanField(_("Demonstration"), default=False)

    objects = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        ordering = ("-dated", "slug")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("letter", kwargs={"slug": self.slug})

    @property
    def signing_ends_at(self) -> datetime | None:
        """The end of the last day (UTC) for signing, or None where there is none."""
        if self.signing_until is None:
            return None
        return datetime.combine(self.signing_until + timedelta(days=1), time.min, UTC)

    @property
    def takes_signatures(self) -> bool:
        """Open, and its last day not over."""
        ends = self.signing_ends_at
        return self.status == LetterStatus.OPEN and (ends is None or timezone.now() < ends)

    @property
    def is_public(self) -> bool:
        """Whether everyone may read it."""
        return self.published_at is not None and self.published_at <= timezone.now()

    @property
    def version(self) -> "Version":
        """The text as it stands, raising Version.DoesNotExist while none has been saved."""
        return self.versions.latest("number")

    @property
    def binding_number(self) -> int:
        """The number of the earliest version whose meaning is that of the text as it stands; 1 while none is saved.

        A signature of an earlier one is not a signature of this text.
        """
        return self.versions.filter(is_material=True).aggregate(number=models.Max("number"))["number"] or 1


class Block(models.Model):
    """A paragraph or a demand. Its key names it across versions and languages."""

    class Kind(models.TextChoices):
        PARAGRAPH = "paragraph", _("Paragraph")
        DEMAND = "demand", _("Demand")

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="blocks")
    key = models.SlugField(pgettext_lazy("block of text", "Name"))
    order = models.PositiveSmallIntegerField(_("Order"))
    kind = models.CharField(_("Kind"), max_length=20, choices=Kind)
    text = models.TextField(_("Text"))

    class Meta:
        verbose_name = _("block of text")
        verbose_name_plural = _("blocks of text")
        ordering = ("order",)
        constraints = [models.UniqueConstraint(fields=("letter", "key"), name="block_key_is_the_letters_own")]

    def __str__(self) -> str:
        return self.key


class Version(models.Model):
    """The whole text in every language, as it stood when it was saved. Never changed; a signature is of a version.

    One that changed the meaning is material: it says why, and until when (the end of that day, UTC) those who signed
    an earlier one may keep their signature.
    """

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    sha256 = models.CharField(max_length=64)
    saved_at = models.DateTimeField(default=timezone.now)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="versions_saved"
    )
    is_material = models.BooleanField(_("The meaning changed"), default=False)
    reason = models.TextField(_("What changed, and why"), blank=True)
    keep_until = models.DateField(_("Signatures can be kept until"), null=True, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=("letter", "number"), name="version_number_is_the_letters_own"),
            models.CheckConstraint(
                condition=models.Q(is_material=False, keep_until=None)
                | models.Q(is_material=True, keep_until__isnull=False),
                name="material_version_has_a_date",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.letter.slug} {self.number}"

    def text(self, language: str) -> dict[str, Any]:
        """Title, subject, salutation, blocks (key, kind, text) and closing, in `language`."""
        found: dict[str, Any] = self.content[language]
        return found


class PrivateLink(models.Model):
    """Opens a letter that is not public yet to whoever holds it: a coalition, before the day. Staff can revoke it."""

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="private_links")
    token = models.CharField(max_length=64, unique=True)
    label = models.CharField(_("For whom"), max_length=200)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="private_links")
    made_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.label


class PressRelease(models.Model):
    """What is told to the press beside a letter; paragraphs are parted by an empty line.

    The page puts in what a machine knows better: `{count_organisations}` and `{sent_date}` in the body, and the demands
    after `demands_lead`.
    """

    letter = models.OneToOneField(Letter, on_delete=models.CASCADE, related_name="press_release")
    headline = models.CharField(_("Headline"), max_length=250)
    standfirst = models.TextField(_("Standfirst"))
    body = models.TextField(_("Text"))
    quote = models.TextField(_("Quote, with who said it"), blank=True)
    demands_lead = models.CharField(_("Words before the demands"), max_length=250)
    notes = models.TextField(_("Notes to editors"), blank=True)

    class Meta:
        verbose_name = _("press release")
        verbose_name_plural = _("press releases")

    def __str__(self) -> str:
        return self.headline
