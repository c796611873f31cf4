"""What changes about a signature that stands: corrected, handed over, reached by new links, its organisation locked."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from ledger.services import Overtaken, move, record, witness
from letters.services import touch
from signatories import emails
from signatories.folding import fold_name, mailbox
from signatories.models import Correction, Handover, Organisation, Signature
from signatories.services.evidence import assess
from signatories.services.secrets import new_secret, secret_index
from signatories.services.signing import SHOWN_IN
from signatories.states import CorrectionStatus, HandoverStatus, OrganisationStatus, SignatureStatus

# While a signature is one of these, its signer may have it corrected or hand it over.
STANDING = (SignatureStatus.PENDING, SignatureStatus.ASKED, SignatureStatus.APPROVED, SignatureStatus.LAPSED)


class NotStanding(Exception):
    """The signature is not confirmed, or over: there is nothing to change about it."""


class NothingChanged(Exception):
    """What is to stand there stands there already."""


class SignedAlready(Exception):
    """There is another signature of that name and mailbox under the letter."""


def correct(signature: Signature, *, changes: Mapping[str, str], by: User | None = None) -> Correction:
    """Have columns of a signature say something else: the signer's words after a review, those of staff (`by`) at once.

    The signer's next correction takes the place of one that still waits. Raises `NothingChanged`, `NotStanding` or
    `SignedAlready`.
    """
    with transaction.atomic():
        signature = _standing(signature)
        stated = {
            column: [getattr(signature, column), text]
            for column, text in changes.items()
            if getattr(signature, column) != text
        }
        if not stated:
            raise NothingChanged
        return _correct_at_once(signature, stated, by) if by else _propose(signature, stated)


def accept_correction(correction: Correction, *, by: User) -> None:
    """Let the signature say it. Raises `Overtaken` where the signer wrote something else since, or `SignedAlready`."""
    with transaction.atomic():
        decided = {"decided_by": by, "decided_at": timezone.now()}
        move(correction, CorrectionStatus.ACCEPTED, by=by, only_if={"made_at": correction.made_at}, **decided)
        _apply(correction)


def decline_correction(correction: Correction, *, by: User) -> None:
    """Leave everything as it is, and tell the signer. Raises `Overtaken`."""
    with transaction.atomic():
        decided = {"decided_by": by, "decided_at": timezone.now()}
        move(correction, CorrectionStatus.DECLINED, by=by, only_if={"made_at": correction.made_at}, **decided)
        emails.correction_declined(correction)


def hand_over(signature: Signature, *, representative: str, role: str, email: str, language: str) -> Handover:
    """Ask another person to represent the organisation; nothing changes until they say yes. Raises `NotStanding`.

    An earlier person who was asked and has not answered need not any more.
    """
    with transaction.atomic():
        signature = _standing(signature)
        take_back(signature)
        handover = signature.handovers.create(
            representative=representative, role=role, email=email, mailbox=mailbox(email), language=language
        )
        record(handover, by=None)
        emails.handover_offered(handover)
    return handover


def take_back(signature: Signature) -> None:
    """Ask nobody any more."""
    for handover in signature.handovers.filter(status=HandoverStatus.OFFERED):
        try:
            move(handover, HandoverStatus.ENDED, by=None)
        except Overtaken:
            pass  # accepted at this moment


def take_over(handover: Handover) -> str:
    """The new representative's yes: the earlier one's links are dead, and the evidence is looked at anew.

    Returns the new secret of a withheld signature, else nothing. Raises `Overtaken`, `NotStanding` or `SignedAlready`.
    """
    try:
        with transaction.atomic():
            signature = _standing(handover.signature)
            move(handover, HandoverStatus.ACCEPTED, by=None)
            earlier = {"to": signature.email, "language": signature.language}
            secret = _new_access(signature)
            fields = ("representative", "role", "email", "mailbox", "language")
            _state(signature, {field: getattr(handover, field) for field in fields})
            assess(signature)
            emails.new_link(signature)
            emails.handover_told(signature, **earlier)
    except IntegrityError:
        raise SignedAlready from None
    return secret


def choose_language(signature: Signature, language: str) -> None:
    """In which language we write to the signer from now on."""
    Signature.objects.filter(pk=signature.pk).update(language=language)
    signature.language = language


def issue_new_link(signature: Signature, *, by: User) -> None:
    """Make every link that was mailed for the signature worthless, and mail a new one."""
    with transaction.atomic():
        _raise_generation(signature)
        witness(signature, "new link", by=by)
        emails.new_link(signature)


def issue_new_secret(signature: Signature, *, by: User) -> str:
    """A new secret in place of a lost one, which opens nothing any more. To be shown once; only its hash is kept."""
    secret = new_secret()
    with transaction.atomic():
        _state(signature, {"secret_index": secret_index(secret)})
        witness(signature, "new secret", by=by)
    return secret


def lock(organisation: Organisation, *, by: User) -> None:
    """Close the own pages of an organisation's signers, whose mailbox may be somebody else's now. Raises `Overtaken`."""
    move(organisation, OrganisationStatus.LOCKED, by=by)


def unlock(organisation: Organisation, *, by: User) -> None:
    move(organisation, OrganisationStatus.KNOWN, by=by)


def end_what_is_open(signature: Signature) -> None:
    """A signature that is over has nothing to be reviewed or accepted any more. To be called in its transaction."""
    take_back(signature)
    for correction in signature.corrections.filter(status=CorrectionStatus.PENDING):
        move(correction, CorrectionStatus.DECLINED, by=None)


def _standing(signature: Signature) -> Signature:
    """As it is now, and locked for the rest of the transaction."""
    found: Signature = Signature.objects.select_for_update().get(pk=signature.pk)
    if found.status not in STANDING:
        raise NotStanding
    return found


def _propose(signature: Signature, stated: dict[str, list[str]]) -> Correction:
    waiting: Correction | None = signature.corrections.filter(status=CorrectionStatus.PENDING).first()
    if waiting:
        waiting.changes, waiting.made_at = stated, timezone.now()
        waiting.save(update_fields=["changes", "made_at"])
        return waiting
    correction: Correction = signature.corrections.create(changes=stated)
    record(correction, by=None)
    return correction


def _correct_at_once(signature: Signature, stated: dict[str, list[str]], by: User) -> Correction:
    decided = {"made_by": by, "decided_by": by, "decided_at": timezone.now(), "status": CorrectionStatus.ACCEPTED}
    correction: Correction = signature.corrections.create(changes=stated, **decided)
    record(correction, by=by)
    _apply(correction)
    return correction


def _apply(correction: Correction) -> None:
    signature = _standing(correction.signature)
    correction.signature = signature
    try:
        with transaction.atomic():
            _state(signature, {column: new for column, (_, new) in correction.changes.items()})
    except IntegrityError:
        raise SignedAlready from None
    assess(signature)
    touch(signature.letter, *SHOWN_IN)
    emails.correction_accepted(correction)


def _state(signature: Signature, columns: dict[str, Any]) -> None:
    """Write `columns`, and with a name what is kept of it."""
    for column, value in columns.items():
        setattr(signature, column, value)
    kept = []
    if any(column.startswith("name_") for column in columns):
        kept = ["name", "folded_name"]
        signature.folded_name = fold_name(getattr(signature, f"name_{settings.MODELTRANSLATION_DEFAULT_LANGUAGE}"))
    signature.save(update_fields=[*columns, *kept])


def _new_access(signature: Signature) -> str:
    """Links and secret anew; the secret, or nothing where the signature has none."""
    _raise_generation(signature)
    if not signature.is_withheld:
        return ""
    secret = new_secret()
    _state(signature, {"secret_index": secret_index(secret)})
    return secret


def _raise_generation(signature: Signature) -> None:
    Signature.objects.filter(pk=signature.pk).update(link_generation=F("link_generation") + 1)
    signature.refresh_from_db(fields=["link_generation"])
