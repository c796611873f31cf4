"""Whether mails reach a signer: marked when one comes back, until one gets through or the address is another."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from ledger.services import witness
from mailing.models import Mail
from mailing.refusals import Refusal
from mailing.states import MailStatus
from signatories.models import Signature

IN_REACH: dict[str, Any] = {"bounced_at": None, "bounced_for": ""}
SILENCE = timedelta(days=5)  # as long as mail servers keep trying


def came_back(sender: type[Mail], *, mail: Mail, refusal: Refusal, **_: object) -> None:
    """A mail to a signer could not be brought to the address; nothing, if the signer has another one by now."""
    signature = _addressed(mail)
    if signature:
        changed = Signature.objects.filter(pk=signature.pk, bounced_at=signature.bounced_at)
        if changed.update(bounced_at=signature.bounced_at or timezone.now(), bounced_for=refusal):
            witness(signature, "mail came back", by=None)


def got_through(sender: type[Mail], *, mail: Mail, **_: object) -> None:
    """The server of the address has taken a mail: one from after the address was marked."""
    signature = _addressed(mail)
    if signature and signature.bounced_at and mail.sent_at and mail.sent_at > signature.bounced_at:
        _in_reach(signature)


def has_read(mailbox: str) -> None:
    """Whoever has the mailbox entered what was mailed there just now."""
    for signature in Signature.objects.filter(mailbox=mailbox, bounced_at__isnull=False):
        _in_reach(signature)


def sweep() -> None:
    """Addresses to which a mail went later, and of which nothing was heard for as long as servers keep trying."""
    gone = Mail.objects.filter(status=MailStatus.SENT, sent_at__lt=timezone.now() - SILENCE)
    for signature in Signature.objects.filter(bounced_at__isnull=False):
        if gone.filter(about=signature.addressed_as, sent_at__gt=signature.bounced_at).exists():
            _in_reach(signature)


def _addressed(mail: Mail) -> Signature | None:
    kind, _, rest = mail.about.partition(":")
    number = rest.partition(":")[0]
    if kind != "signature" or not number.isdigit():
        return None
    signature: Signature | None = Signature.objects.filter(pk=int(number)).first()
    return signature if signature and signature.addressed_as == mail.about else None


def _in_reach(signature: Signature) -> None:
    with transaction.atomic():
        if Signature.objects.filter(pk=signature.pk, bounced_at=signature.bounced_at).update(**IN_REACH):
            witness(signature, "mail gets through", by=None)
