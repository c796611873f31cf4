from datetime import date, datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatch.states import (
    DELIVERY,
    DISPATCH,
    DRY_RUN,
    EDITION,
    GONE_OUT,
    HOST,
    SWITCH,
    UNDER_WAY,
    DeliveryStatus,
    DispatchStatus,
    DryRunStatus,
    EditionStatus,
    Failure,
    HostStatus,
    SwitchStatus,
)
from ledger.models import Stateful
from ledger.prepared import Given, Prepared
from ledger.states import StateMachine
from letters.models import Letter, Version
from mailing.encryption import EncryptedTextField
from mailing.refusals import Refusal
from signatories.models import Signature
from signatories.states import SignatureStatus


class Channel(models.TextChoices):
    """By which way a letter goes. Only the first is the machine's."""

    EMAIL = "email", _("E-mail")
    POST = "post", _("Registered post")
    WEB = "web", _("Web form of the office")
    HAND = "hand", _("By hand")
    FAX = "fax", _("Fax")


class Verified(models.Model):
    """Where a letter goes, and who last made sure that it is so, and when."""

    VERIFIED_FOR: ClassVar[timedelta] = timedelta(days=90)

    verified_on = models.DateField(_("Address last verified on"), null=True, blank=True)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        abstract = True

    def was_verified_long_ago(self, today: date) -> bool:
        """Offices move, and mailboxes are given up."""
        return self.verified_on is not None and today - self.verified_on > self.VERIFIED_FOR


VERIFIED_BY_SOMEBODY = Q(verified_on__isnull=True, verified_by__isnull=True) | Q(
    verified_on__isnull=False, verified_by__isnull=False
)


class Recipient(Verified):
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
    language = models.CharField(_("Language of the mail"), max_length=10)
    channel = models.CharField(_("Goes by"), max_length=10, choices=Channel, default=Channel.EMAIL)
    email = models.EmailField(_("E-mail"), blank=True)
    web_form = models.URLField(_("Address of the web form"), max_length=300, blank=True)
    fax = models.CharField(_("Fax number"), max_length=40, blank=True)
    requirements = models.TextField(_("Formal requirements of the office"), max_length=2000, blank=True)
    answer_days = models.PositiveSmallIntegerField(_("Legal term for an answer, in days"), null=True, blank=True)
    term_source = models.CharField(_("Source of the legal term"), max_length=250, blank=True)

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        ordering = ("order",)
        constraints = [
            models.UniqueConstraint(
                fields=("letter", "email"), condition=~Q(email=""), name="recipient_of_letter_once"
            ),
            models.CheckConstraint(condition=VERIFIED_BY_SOMEBODY, name="recipient_is_verified_by_somebody"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def address(self) -> str:
        """Where the letter goes by its channel; empty where nobody has said yet."""
        return {
            Channel.EMAIL: self.email.strip().lower(),
            Channel.WEB: self.web_form,
            Channel.FAX: self.fax,
        }.get(Channel(self.channel), getattr(self, f"address_block_{self.language}", "") or "")

    @property
    def as_sent(self) -> str:
        """As a delivery there has it."""
        return self.address.strip()


class FurtherAddress(Verified):
    """Where a recipient is tried next, when people decide so. The machine never goes there by itself."""

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="further_addresses")
    channel = models.CharField(_("Goes by"), max_length=10, choices=Channel)
    address = models.TextField(_("Address"), max_length=500)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=("recipient", "channel", "address"), name="further_address_once"),
            models.CheckConstraint(condition=VERIFIED_BY_SOMEBODY, name="further_address_is_verified_by_somebody"),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.address}"

    @property
    def as_sent(self) -> str:
        """As a delivery there has it."""
        address = self.address.strip()
        return address.lower() if self.channel == Channel.EMAIL else address


class Covering(models.Model):
    """The text of the mail that carries a letter. Placeholders are those of `dispatch.emails.words`."""

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
    failure = models.CharField(max_length=20, choices=Failure, blank=True)
    failure_detail = models.TextField(blank=True)
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

    def left_over(self) -> "models.QuerySet[Recipient]":
        """Those of the letter who neither have this edition nor are to get it."""
        has_it = self.deliveries.exclude(status=DeliveryStatus.CANCELLED).values("recipient")
        return self.letter.recipients.exclude(pk__in=has_it)

    @property
    def names_someone_who_left(self) -> bool:
        """Whether it shows a name that may not be shown any more; its PDFs are then not public.

        A signature that is not there any more has left, too. One that lapsed has not: it was of this edition's text.
        """
        shown = {entry["signature"] for entry in self.content["signatories"]}
        return not shown <= {pk for (pk,) in STILL_SHOWN.all(edition=self.pk)}


STILL_SHOWN = Prepared(
    lambda: Signature.objects.filter(
        editions=Given("edition"),
        status__in=(SignatureStatus.APPROVED, SignatureStatus.LAPSED),
        visibility=Signature.Visibility.PUBLIC,
    ).values_list("pk")
)


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

    `certificate` is the SHA-256 of the one that sealed it, `stamped_at` what the time stamp in the seal says, where it
    has one. While none is to be had that is due, the file waits for it `waits_since` then, and is tried again
    `not_before`.
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
    stamped_at = models.DateTimeField(null=True)
    waits_since = models.DateTimeField(null=True)
    not_before = models.DateTimeField(default=timezone.now)

    objects = EditionFileQuerySet.as_manager()

    class Meta:
        ordering = ("language",)
        constraints = [models.UniqueConstraint(fields=("edition", "language"), name="edition_file_of_language_once")]

    def __str__(self) -> str:
        return f"{self.edition} {self.language}"


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    def spoken_for(self) -> "DispatchQuerySet":
        """Those that are not authorised yet, and of which somebody has authorised or waived something."""
        authorised = Authorisation.objects.filter(dispatch=OuterRef("pk"), void_since=None)
        waived = Waiver.objects.filter(dispatch=OuterRef("pk"), ended_at=None)
        return self.filter(Exists(authorised) | Exists(waived), status=DispatchStatus.PREPARED)


class Dispatch(Stateful):
    """One edition on its way to a frozen set of recipients. It takes two members of staff.

    `authorised_by` is the one who did not prepare it. What each of the two looked at is in `authorisations`.
    """

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

    objects = DispatchQuerySet.as_manager()

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


class SenderCheck(models.Model):
    """What DNS said of the domains that letters come from, by the settings of a time; judged in `sender_records`.

    A worker asks while `asked_at` is set; `facts` are as they were found `checked_at`.
    """

    domain = models.CharField(max_length=255)
    return_domain = models.CharField(max_length=255)
    selectors = models.CharField(max_length=500, blank=True)
    asked_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    facts = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("domain", "return_domain", "selectors"), name="sender_is_checked_in_one_row"
            )
        ]

    def __str__(self) -> str:
        return self.domain


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, now: datetime) -> "DeliveryQuerySet":
        return self.filter(
            status=DeliveryStatus.QUEUED,
            channel=Channel.EMAIL,
            dispatch__status=DispatchStatus.SENDING,
            not_before__lte=now,
        )

    def put_off_until(self, now: datetime) -> "DeliveryQuerySet":
        """Deferred, and the wait is over."""
        return self.filter(status=DeliveryStatus.DEFERRED, not_before__lte=now)

    def abandoned(self, now: datetime) -> "DeliveryQuerySet":
        """In the hands of a worker that did not come back within its lease."""
        return self.filter(status__in=(DeliveryStatus.CLAIMED, DeliveryStatus.SENDING), lease_until__lt=now)

    def on_record(self) -> "DeliveryQuerySet":
        """What was set going, also where the dispatch was cancelled half-way; not what nobody ever sent."""
        nothing_left_yet = (DispatchStatus.PREPARED, DispatchStatus.AUTHORISED)
        return self.exclude(dispatch__status__in=nothing_left_yet).exclude(status=DeliveryStatus.CANCELLED)

    def open(self) -> "DeliveryQuerySet":
        """What somebody, machine or person, still has to bring to an end."""
        return self.filter(status__in=UNDER_WAY)


class Delivery(Stateful):
    """One edition to one address, once: what was tried, and what became of it.

    `settled_at` is when the relay or a person took it off our hands, or when it was refused; `ended_on` the day on
    which it came back (`is_returned`) or was handed over, `refused_on` when people called it a refusal. `taken_at` is
    when the recipient's own server took it, as far as anybody knows: `taken_how` says from where.
    """

    class Taken(models.TextChoices):
        NOTICE = "notice", _("a delivery notice")
        LOG = "log", _("the log of our mail server")
        PROVIDER = "provider", _("our mail provider")

    machine: ClassVar[StateMachine] = DELIVERY

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="deliveries")
    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="deliveries")
    recipient = models.ForeignKey(Recipient, on_delete=models.PROTECT, related_name="deliveries")
    after = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="next_rungs")
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.EMAIL)
    address = models.TextField()
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
    refusal = models.CharField(max_length=10, choices=Refusal, blank=True)
    relay_id = models.CharField(max_length=100, blank=True)
    taken_at = models.DateTimeField(null=True)
    taken_by = models.CharField(max_length=255, blank=True)
    taken_how = models.CharField(max_length=10, choices=Taken, blank=True)
    tracking = models.CharField(max_length=100, blank=True)
    ended_on = models.DateField(null=True)
    is_returned = models.BooleanField(default=False)
    refused_on = models.DateField(null=True)
    registered_on = models.DateField(null=True)
    registered_as = models.CharField(max_length=100, blank=True)
    reminded_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        indexes = [models.Index(fields=("status", "not_before"), name="delivery_due")]
        constraints = [
            models.UniqueConstraint(
                fields=("edition", "address"),
                condition=Q(channel="email") & ~Q(status="cancelled"),
                name="edition_goes_to_an_address_once",
            ),
            models.UniqueConstraint(
                fields=("edition", "recipient", "channel", "address"),
                condition=~Q(channel="email") & ~Q(status__in=("cancelled", "returned", "refused")),
                name="edition_is_carried_to_an_address_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="registered") | Q(registered_on__isnull=False),
                name="delivery_is_registered_on_a_day",
            ),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def is_mail(self) -> bool:
        return self.channel == Channel.EMAIL

    @property
    def place(self) -> Verified | None:
        """Where the recipient is written to; of a next rung the further address. None once it is another, or gone."""
        recipient = self.recipient
        ways = [recipient] if self.after_id is None else list(recipient.further_addresses.all())
        return next((way for way in ways if (way.channel, way.as_sent) == (self.channel, self.address)), None)

    @property
    def was_taken_by_relay(self) -> bool:
        """As against what was refused there and then."""
        came_back = self.ended_on is not None
        return self.is_mail and self.status in GONE_OUT and (self.refused_on is None or came_back)

    @property
    def left_on(self) -> date | None:
        """The first day on which it can have been anywhere; None while nobody was to send it."""
        is_off_our_hands = self.status in GONE_OUT
        left = self.settled_at if is_off_our_hands else self.first_tried_at or self.dispatch.authorised_at
        return left.date() if left else None

    @property
    def answer_due_on(self) -> date | None:
        """The last day of the legal term, which counts from the day of registration."""
        if self.registered_on is None or self.recipient.answer_days is None:
            return None
        return self.registered_on + timedelta(days=self.recipient.answer_days)

    @property
    def is_overdue(self) -> bool:
        """The legal term is over, and nothing that may be an answer has come, to whichever of our letters there."""
        due = self.answer_due_on
        is_over = self.status == DeliveryStatus.REGISTERED and due is not None and due < timezone.now().date()
        return is_over and not Reply.objects.may_be_answers().filter(delivery__recipient=self.recipient_id).exists()


class Wording(models.Model):
    """What a delivery says, frozen when its dispatch was prepared or its mails were put together anew.

    Whatever is edited afterwards, this goes out, and only if the whole mail still has this `sha256` (empty for what a
    person carries). `covering` has its placeholders filled in, `letter` is the letter as text below it or, for a web
    form, alone. `files` are language, SHA-256 and size of each PDF. A delivery without a wording could not be put
    together.
    """

    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, related_name="wording")
    put_together_at = models.DateTimeField()
    sender = models.CharField(max_length=320, blank=True)
    title = models.CharField(max_length=250)
    reply_to = models.CharField(max_length=254)
    subject = models.TextField(blank=True)
    salutation = models.CharField(max_length=200)
    address_block = models.TextField(blank=True)
    covering = models.TextField(blank=True)
    letter = models.TextField(blank=True)
    files = models.JSONField(default=list)
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.delivery} {self.sha256}"

    @property
    def body(self) -> str:
        """The covering text, and below it the letter itself, for mailboxes that take attachments away."""
        return f"{self.covering}\n\n{self.letter}"


class Waiver(models.Model):
    """Somebody lets a finding of the dossier stand, as it was: `facts` is its SHA-256.

    It ends when somebody takes it back, or by itself (`ended_by` is null) when the facts are others; what ended is
    kept, and counts no more even if the facts return.
    """

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="waivers")
    finding = models.CharField(max_length=80)
    facts = models.CharField(max_length=64)
    reason = models.CharField(_("Reason"), max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="waivers")
    at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="waivers_taken_back"
    )

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=("dispatch", "finding"), condition=Q(ended_at=None), name="finding_is_waived_once"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="finding_is_waived_for_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.finding}"


class Authorisation(models.Model):
    """Somebody looked at the dossier, and lets the dispatch go: the whole of what they looked at, and its SHA-256.

    It is void once the dossier is another, or they may authorise no more, and stays void.
    """

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="authorisations")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="authorisations")
    at = models.DateTimeField(default=timezone.now)
    dossier = models.JSONField()
    sha256 = models.CharField(max_length=64)
    void_since = models.DateTimeField(null=True)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=("dispatch", "by"), condition=Q(void_since=None), name="dispatch_is_authorised_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.by_id} {self.sha256}"


class DryRun(Stateful):
    """The mails of a dispatch handed to a catcher on this machine, and compared with what is frozen.

    `mails` are those that were to go (`dispatch.dossier.mails_of`). Each of the `differences` has the key of a delivery
    and what was wrong with its mail, a `dispatch.services.dry_runs.Trouble`.
    """

    machine: ClassVar[StateMachine] = DRY_RUN

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="dry_runs")
    status = models.CharField(max_length=20, choices=DryRunStatus, default=DryRunStatus.ASKED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="dry_runs_asked"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    mails = models.JSONField(default=dict)
    count = models.PositiveSmallIntegerField(default=0)
    differences = models.JSONField(default=list)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.dispatch} {self.pk}"


class Attempt(models.Model):
    """One conversation with the relay about a delivery, as far as it went. One that a kill ended leaves no row."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="conversations")
    number = models.PositiveSmallIntegerField()
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    stage = models.CharField(max_length=20)
    code = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(blank=True)
    connection = models.JSONField(default=dict)
    dialogue = models.TextField(blank=True)
    message_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.delivery} {self.number}"


class Notice(models.Model):
    """A mail that came back to us, or a word of our provider's, taken in once: what it says of which attempt.

    Its text is not kept.
    """

    class Kind(models.TextChoices):
        FAILED = "failed", _("It could not be brought to the recipient")
        DELAYED = "delayed", _("It is delayed, and still being tried")
        TAKEN = "taken", _("The recipient’s mail server has taken it")
        COMPLAINT = "complaint", _("Somebody there has marked it as spam")
        AUTOMATIC = "automatic", _("An automatic answer: nobody has written it")
        REPLY = "reply", _("A reply")
        UNCLEAR = "unclear", _("A notice that the machine can’t read: read it in the mailbox")
        UNMATCHED = "unmatched", _("It belongs to no delivery")

    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.PROTECT, related_name="notices")
    attempt = models.PositiveSmallIntegerField(null=True)
    status = models.CharField(max_length=20, blank=True)
    said = models.TextField(blank=True)
    server = models.CharField(max_length=255, blank=True)
    read_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class ReplyQuerySet(models.QuerySet["Reply"]):
    def public(self) -> "ReplyQuerySet":
        return self.filter(published_at__isnull=False)

    def may_be_answers(self) -> "ReplyQuerySet":
        """Nobody says publicly that there is silence while one of these is there."""
        return self.filter(kind__in=(Reply.Kind.UNREAD, Reply.Kind.ANSWER))


class Reply(models.Model):
    """What an office wrote back, for staff alone; the public reads the summary, once somebody publishes it."""

    class Kind(models.TextChoices):
        UNREAD = "unread", _("Not looked at yet")
        ANSWER = "answer", _("An answer to the letter")
        RECEIPT = "receipt", _("A confirmation that it came in, no answer yet")
        OTHER = "other", _("Not an answer to the letter")

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="replies")
    kind = models.CharField(_("What it is"), max_length=10, choices=Kind, default=Kind.UNREAD)
    channel = models.CharField(_("Came by"), max_length=10, choices=Channel)
    received_on = models.DateField(_("Date"))
    number = models.CharField(_("Number the office gave it"), max_length=100, blank=True)
    source = models.CharField(max_length=64, blank=True)
    sender = EncryptedTextField(blank=True)
    subject = EncryptedTextField(blank=True)
    text = EncryptedTextField(_("Text"), blank=True)
    summary = models.TextField(_("Summary for the public"), max_length=2000, blank=True)
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="replies_published"
    )
    filed_at = models.DateTimeField(default=timezone.now)
    filed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="replies_filed"
    )

    objects = ReplyQuerySet.as_manager()

    class Meta:
        ordering = ("received_on", "pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(published_at__isnull=True, published_by__isnull=True)
                | Q(published_at__isnull=False, published_by__isnull=False),
                name="reply_is_published_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"{self.delivery} {self.received_on}"


class Evidence(models.Model):
    """A file that shows what became of a delivery, encrypted at rest and never public.

    `attached` says which PDFs of the edition, by their SHA-256, belong at which places of what is stored under `path`:
    size and SHA-256 are those of the whole.
    """

    class Kind(models.TextChoices):
        SCREENSHOT = "screenshot", _("Screenshot")
        RECEIPT = "receipt", _("Receipt")
        REPLY = "reply", _("Reply of the office")
        MAIL = "mail", _("The mail, byte for byte")
        OTHER = "other", _("Something else")

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="evidence")
    reply = models.ForeignKey(Reply, null=True, on_delete=models.PROTECT, related_name="files")
    kind = models.CharField(_("What the file shows"), max_length=10, choices=Kind)
    path = models.CharField(max_length=200)
    attached = models.JSONField(default=list)
    content_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    added_at = models.DateTimeField(default=timezone.now)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="evidence_added"
    )

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.delivery} {self.kind}"


class Switch(Stateful):
    """The stop switch of the whole site: letters leave only while it is on. One row, and none before it is used.

    Where the machine turned it off because the database went back in time, `knew_until` is the latest that was known
    before, and `knows_until` the latest that the database still knew. `in_flight` are the deliveries that workers had
    in hand when it was turned off.
    """

    machine: ClassVar[StateMachine] = SWITCH

    status = models.CharField(max_length=20, choices=SwitchStatus, default=SwitchStatus.OFF)
    turned_at = models.DateTimeField(null=True)
    turned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="switches_turned"
    )
    reason = models.CharField(max_length=300, blank=True)
    in_flight = models.JSONField(default=list)
    knew_until = models.DateTimeField(null=True)
    knows_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="there_is_one_switch")]

    def __str__(self) -> str:
        return self.status

    @property
    def is_after_restore(self) -> bool:
        return self.knew_until is not None


class Host(Stateful):
    """A worker's host, known by something in its VAR_DIR that can't be copied: it sends once somebody has let it in."""

    machine: ClassVar[StateMachine] = HOST

    status = models.CharField(max_length=20, choices=HostStatus, default=HostStatus.WAITING)
    key = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=255)
    seen_at = models.DateTimeField(default=timezone.now)
    first_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.name
