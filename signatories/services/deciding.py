"""What staff decide on a signature."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from ledger.services import move
from letters.services import touch
from signatories import emails
from signatories.models import Organisation, Signature
from signatories.services.answering import has_signed
from signatories.services.signing import SHOWN_IN
from signatories.states import SignatureStatus


class AlreadyApproved(Exception):
    """The organisation stands under this letter already, by another signature."""


def approve(signature: Signature, *, by: User) -> None:
    """Put the organisation under the letter. Raises `Overtaken`, `IllegalMove` or `AlreadyApproved`."""
    try:
        with transaction.atomic():
            decision = {"decided_by": by, "decided_at": timezone.now(), "reason": ""}
            move(
                signature,
                SignatureStatus.APPROVED,
                by=by,
                organisation=_registered(signature),
                only_if={"signed_at": signature.signed_at},
                **decision,
            )
            has_signed(signature)
            emails.approved(signature)
            touch(signature.letter, *SHOWN_IN)
            _hand_on_logo(signature)
    except IntegrityError:
        raise AlreadyApproved from None


def reject(signature: Signature, *, by: User, reason: str) -> None:
    """Decline the signature, for one of `Signature.Reason`, and tell the signer why. Raises `Overtaken`."""
    reason = Signature.Reason(reason).value
    with transaction.atomic():
        move(
            signature,
            SignatureStatus.REJECTED,
            by=by,
            reason=reason,
            decided_by=by,
            decided_at=timezone.now(),
            only_if={"signed_at": signature.signed_at},
        )
        emails.rejected(signature)
        touch(signature.letter, *SHOWN_IN)


def make_lead(signature: Signature) -> None:
    """Put an organisation before all others."""
    Signature.objects.filter(pk=signature.pk).update(is_lead=True)
    signature.is_lead = True


def _registered(signature: Signature) -> Organisation:
    """The organisation that a signature speaks for, entered into the registry with its first approval."""
    names = {language: getattr(signature, f"name_{language}") for language in settings.SHIPPED_LANGUAGES}
    organisation, _ = Organisation.objects.get_or_create(
        folded_name=signature.folded_name,
        country=signature.country,
        defaults={"website": signature.website, **{f"name_{language}": name for language, name in names.items()}},
    )
    return organisation


def _hand_on_logo(signature: Signature) -> None:
    """The registry takes the logo of the first approved signature that has one; staff may put another there."""
    if signature.organisation_id and signature.logo and not signature.is_withheld:
        Organisation.objects.filter(pk=signature.organisation_id, logo="").update(logo=signature.logo.name)
