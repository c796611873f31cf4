from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from ledger.models import Stateful
from ledger.states import StateMachine
from mailing.encryption import EncryptedJSONField, EncryptedTextField
from mailing.states import MAIL, MailStatus
from mailing.writing import write


class MailQuerySet(models.QuerySet["Mail"]):
    def due(self, now: datetime) -> "MailQuerySet":
        return self.filter(status=MailStatus.QUEUED, not_before__lte=now)

    def abandoned(self, now: datetime) -> "MailQuerySet":
        """Claimed by a worker that did not come back within its lease."""
        return self.filter(status=MailStatus.CLAIMED, lease_until__lt=now)


class Mail(Stateful):
    """A mail to a person: queued in the transaction of what it tells of, sent afterwards by a worker.

    Address and text are encrypted, and blanked when it has been sent or given up. The first line of `text` is the
    subject; where it is empty, it is still to be written, of `template` and `context`. `sender` is one of ours, where
    it is not the usual one. `about` is what the app that queued it calls whom it goes to, and tells nothing to anyone
    else.
    """

    machine: ClassVar[StateMachine] = MAIL

    key = models.CharField(max_length=120, unique=True)
    to = EncryptedTextField(blank=True)
    sender = models.CharField(max_length=200, blank=True)
    about = models.CharField(max_length=60, blank=True)
    message_id = models.CharField(max_length=300, blank=True)
    language = models.CharField(max_length=10)
    text = EncryptedTextField(blank=True)
    template = models.CharField(max_length=100, blank=True)
    context: "models.Field[dict[str, Any], dict[str, Any]]" = EncryptedJSONField(default=dict)
    is_demonstration = models.BooleanField(default=False)
    status = models.CharField(max_length=20, choices=MailStatus, default=MailStatus.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    not_before = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=("status", "not_before"), name="mail_due"),
            models.Index(fields=("about",), name="mails_about"),
            models.Index(fields=("message_id",), name="mail_by_message_id"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def subject(self) -> str:
        return self.written[0]

    @property
    def body(self) -> str:
        return self.written[1]

    @property
    def written(self) -> tuple[str, str]:
        """Subject and body. Written each time anew, where it was not when it was queued: ask for both at once."""
        text: str = self.text
        if not text and self.template:
            text = write(self.template, self.context, language=self.language)
        subject, _, body = text.partition("\n")
        return subject, body
