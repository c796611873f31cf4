"""What stands beside a signature: evidence, questions, notes, corrections, a new representative, keys of its name."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ledger.models import Stateful
from ledger.states import StateMachine
from mailing.encryption import EncryptedJSONField, EncryptedTextField
from signatories.models.organisation import Organisation
from signatories.models.signature import Signature
from signatories.states import CORRECTION, HANDOVER, CorrectionStatus, HandoverStatus


class Evidence(models.Model):
    """Why we believe that whoever signed may sign. The highest `grade` of a signature is kept on it.

    `by` is None for what the machine found: an address at a domain, a mandate of the registry.
    """

    signature = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="evidence")
    grade = models.PositiveSmallIntegerField()
    address = models.URLField(_("Where it was announced"), max_length=500, blank=True)
    dated = models.DateField(_("When"), null=True, blank=True)
    note = EncryptedTextField(_("Note"), blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="evidence_given"
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-grade", "pk")

    def __str__(self) -> str:
        return f"{self.signature_id} {self.grade}"


class Question(models.Model):
    """What staff asked a signer, and the answer."""

    signature = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="questions")
    text = EncryptedTextField(_("Question"))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="questions")
    asked_at = models.DateTimeField(default=timezone.now)
    answer = EncryptedTextField(_("Answer"), blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=("signature",), condition=Q(answered_at=None), name="one_open_question_a_signature"
            )
        ]

    def __str__(self) -> str:
        return f"{self.signature_id} {self.pk}"


class Note(models.Model):
    """What staff tell each other about a signature."""

    signature = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="notes")
    text = EncryptedTextField(_("Note"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notes")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.signature_id} {self.pk}"


class Correction(Stateful):
    """Other words for what a signature states. `changes` holds, by column, what stood there and what is to stand there.

    The signer's goes back to review, and until then nothing changes; staff's (`made_by`) is accepted as it is made.
    """

    machine: ClassVar[StateMachine] = CORRECTION

    signature = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="corrections")
    status = models.CharField(max_length=20, choices=CorrectionStatus, default=CorrectionStatus.PENDING)
    changes: "models.Field[dict[str, list[str]], dict[str, list[str]]]" = EncryptedJSONField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="corrections_made"
    )
    made_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="corrections_decided"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=("signature",), condition=Q(status="pending"), name="one_open_correction_a_signature"
            )
        ]

    def __str__(self) -> str:
        return f"{self.signature_id} {self.pk}"


class Handover(Stateful):
    """The signature is to be another representative's, once that person has said yes."""

    machine: ClassVar[StateMachine] = HANDOVER

    signature = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="handovers")
    status = models.CharField(max_length=20, choices=HandoverStatus, default=HandoverStatus.OFFERED)
    representative = EncryptedTextField()
    role = EncryptedTextField()
    email = EncryptedTextField()
    mailbox = models.CharField(max_length=64)
    language = models.CharField(max_length=10)
    offered_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=("signature",), condition=Q(status="offered"), name="one_open_handover_a_signature"
            )
        ]

    def __str__(self) -> str:
        return f"{self.signature_id} {self.pk}"


class NameKey(models.Model):
    """Under which other spellings of a name meet it (`signatories.lookalikes`): a signature's or an organisation's."""

    signature = models.ForeignKey(Signature, null=True, on_delete=models.CASCADE, related_name="name_keys")
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.CASCADE, related_name="name_keys")
    kind = models.CharField(max_length=12)
    key = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=("key", "kind"), name="names_that_meet")]
        constraints = [
            models.CheckConstraint(
                condition=Q(signature__isnull=True, organisation__isnull=False)
                | Q(signature__isnull=False, organisation__isnull=True),
                name="name_key_is_of_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
