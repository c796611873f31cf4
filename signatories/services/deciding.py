"""What staff decide on a signature."""

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from ledger.services import IllegalMove, move, record
from letters.services import touch
from signatories import emails
from signatories.models import Organisation, Signature
from signatories.services.answering import has_signed
from signatories.services.evidence import organisation_of, write_name_keys
from signatories.services.registry import current
from signatories.services.signing import SHOWN_IN
from signatories.states import SignatureStatus

# What a decision is about: if any of it is not what it was, staff have to look again.
LOOKED_AT = ("signed_at", "decided_at", "disputed_at", "visibility", "folded_name")


class AlreadyApproved(Exception):
    """The organisation stands under this letter already, by another signature."""


class EarlierText(Exception):
    """The signature is of a text whose meaning has changed since, and was not kept."""


class RecordedByOneself(Exception):
    """Whoever wrote down what came by mail, messenger or telephone is not the one who approves it."""


def looked_at(signature: Signature) -> dict[str, Any]:
    """The columns that have to stand as the caller saw them: nothing stated, objected or decided since."""
    return {column: getattr(signature, column) for column in LOOKED_AT}


def approve(signature: Signature, *, by: User) -> None:
    """Put the organisation under the letter.

    Raises `Overtaken`, `IllegalMove`, `AlreadyApproved`, `EarlierText` or `RecordedByOneself`.
    """
    if signature.is_told and signature.recorded_by_id == by.pk:
        raise RecordedByOneself
    if signature.status == SignatureStatus.LAPSED:  # it comes back by the signer's consent to the new text alone
        raise IllegalMove(signature.status)
    is_earlier = signature.version.number < signature.letter.binding_number
    if is_earlier and signature.status == SignatureStatus.PENDING:  # a counter-decision is followed by the question
        raise EarlierText
    try:
        with transaction.atomic():
            decision = {"decided_by": by, "decided_at": timezone.now(), "reason": ""}
            move(
                signature,
                SignatureStatus.APPROVED,
                by=by,
                organisation=_registered(signature, by=by),
                only_if=looked_at(signature),
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
            only_if=looked_at(signature),
        )
        emails.rejected(signature)
        touch(signature.letter, *SHOWN_IN)


def make_lead(signature: Signature) -> None:
    """Put an organisation before all others."""
    Signature.objects.filter(pk=signature.pk).update(is_lead=True)
    signature.is_lead = True


def _registered(signature: Signature, *, by: User) -> Organisation | None:
    """The organisation that a signature speaks for, entered into the registry with its first approval."""
    if signature.kind == Signature.Kind.INDIVIDUAL:
        return None
    known = organisation_of(signature)
    if known:
        return current(known)
    names = {f"name_{language}": getattr(signature, f"name_{language}") for language in settings.SHIPPED_LANGUAGES}
    organisation, is_new = Organisation.objects.live().get_or_create(
        folded_name=signature.folded_name,
        country=signature.country,
        defaults={"website": signature.website, **names},
    )
    if is_new:
        record(organisation, by=by)
        write_name_keys(organisation)
    return organisation


def _hand_on_logo(signature: Signature) -> None:
    """The registry takes the logo of the first approved signature that has one; staff may put another there."""
    if signature.organisation_id and signature.logo and not signature.is_withheld:
        Organisation.objects.filter(pk=signature.organisation_id, logo="").update(logo=signature.logo.name)
