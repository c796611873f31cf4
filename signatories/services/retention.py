"""What is not kept: signatures that nobody confirmed, and the contacts of a campaign that is over."""

from functools import partial

from django.db import transaction
from django.utils import timezone

from ledger.services import witness
from signatories.models import Invitation, Signature
from signatories.services.signing import KEPT_UNCONFIRMED
from signatories.states import SignatureStatus

NO_CONTACT = {"representative": "", "role": "", "email": "", "mailbox": ""}


def forget_unconfirmed() -> int:
    """Delete what nobody confirmed within `KEPT_UNCONFIRMED`, with all that stands beside it; how many signatures."""
    count = 0
    with transaction.atomic():
        # Locked, so that none is confirmed between being found and being deleted.
        old = Signature.objects.select_for_update().filter(
            status=SignatureStatus.UNCONFIRMED, signed_at__lt=timezone.now() - KEPT_UNCONFIRMED
        )
        for signature in old:
            if signature.logo and signature.logo.name:
                transaction.on_commit(partial(signature.logo.storage.delete, signature.logo.name))
            signature.delete()
            count += 1
    return count


def forget_contacts() -> int:
    """Delete who signed for organisations, and what was said with them, once a campaign's last day is over (UTC).

    The public name stays, with the state, and with days and grades of the evidence; who was invited goes altogether,
    but for the wish to get no invitation. How many signatures.
    """
    over = {"letter__campaign__contacts_until__lt": timezone.now().date()}
    count = 0
    for signature in Signature.objects.filter(forgotten_at=None, **over).exclude(status=SignatureStatus.UNCONFIRMED):
        _forget(signature)
        count += 1
    Invitation.objects.filter(no_more_mails=False, **over).delete()
    Invitation.objects.filter(**over).update(email="")
    return count


def _forget(signature: Signature) -> None:
    with transaction.atomic():
        for beside in (signature.handovers, signature.questions, signature.notes, signature.corrections):
            beside.all().delete()
        signature.evidence.update(note="")
        forgotten = {**NO_CONTACT, "invitation": None, "forgotten_at": timezone.now()}
        if Signature.objects.filter(pk=signature.pk, forgotten_at=None).update(**forgotten):
            witness(signature, "contact deleted", by=None)
