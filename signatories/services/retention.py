"""What is not kept: signatures that nobody confirmed, and the contacts of a campaign that is over."""

from datetime import timedelta

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from ledger.services import witness
from signatories import logos
from signatories.models import Invitation, Organisation, Signature
from signatories.services import guard
from signatories.services.signing import KEPT_UNCONFIRMED
from signatories.states import SignatureStatus

LOGO_WAITS = timedelta(hours=1)
NO_CONTACT = {"representative": "", "role": "", "email": "", "mailbox": ""}


def forget_unconfirmed() -> int:
    """Delete what nobody confirmed within `KEPT_UNCONFIRMED`, with all that stands beside it; how many signatures."""
    guard.forget_spent()
    count = 0
    with transaction.atomic():
        # Locked, so that none is confirmed between being found and being deleted.
        old = Signature.objects.select_for_update().filter(
            status=SignatureStatus.UNCONFIRMED, signed_at__lt=timezone.now() - KEPT_UNCONFIRMED
        )
        for signature in old:
            signature.delete()
            count += 1
    return count


def forget_logos() -> None:
    """Delete the files to which no signature and no organisation leads: replaced, refused, or of one that is forgotten.

    One that is an hour old has had its row since.
    """
    rows = (Signature.objects.exclude(logo=""), Organisation.objects.exclude(logo=""))
    kept = {name for found in rows for name in found.values_list("logo", flat=True)}
    for name in logos.stored():
        if name not in kept and default_storage.get_created_time(name) < timezone.now() - LOGO_WAITS:
            default_storage.delete(name)


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
