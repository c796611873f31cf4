from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ledger.models import Stateful
from ledger.states import StateMachine
from letters.models import Letter
from mailing.encryption import EncryptedJSONField, EncryptedTextField
from signatories.models.signature import Signature
from signatories.states import IMPORT, ImportStatus


class Import(Stateful):
    """A table of signatures, from its upload until its rows are signatures, by whom and when.

    `content` is the file, and once that was checked its rows; encrypted, and empty as soon as it is done with. `found`
    says what the check found, `taken_at` when a worker took it up. The signatures made of it have keys up to `last`,
    and were looked at up to `weighed`.
    """

    machine: ClassVar[StateMachine] = IMPORT

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="imports")
    status = models.CharField(_("State"), max_length=20, choices=ImportStatus, default=ImportStatus.UPLOADED)
    content = EncryptedTextField(blank=True)
    found = EncryptedJSONField(default=dict)
    visibility = models.CharField(max_length=10, choices=Signature.Visibility, default=Signature.Visibility.WITHHELD)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="imports"
    )
    made_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)
    taken_at = models.DateTimeField(null=True)
    weighed = models.BigIntegerField(default=0)
    last = models.BigIntegerField(default=0)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.letter.slug} {self.pk}"
