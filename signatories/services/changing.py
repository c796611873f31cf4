"""What its signer changes about a signature: corrected, handed over, written to in another language, withdrawn."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from ledger.services import move, record, witness
from letters.services import touch
from publishing import services as publishing
from signatories import emails
from signatories.folding import fold_name, mailbox
from signatories.models import Correction, Handover, Signature
from signatories.queries import Copy
from signatories.services.access import renew_access, take_back
from signatories.services.evidence import assess
from signatories.services.reach import IN_REACH
from signatories.services.signing import SHOWN_IN
from signatories.states import CorrectionStatus, HandoverStatus, SignatureStatus

# While a signature is one of these, its signer may have it corrected or hand it over.
STANDING = (SignatureStatus.PENDING, SignatureStatus.ASKED, SignatureStatus.APPROVED, SignatureStatus.LAPSED)


class NotStanding(Exception):
    """The signature is not confirmed, or over: there is nothing to change about it."""


class NothingChanged(Exception):
    """What is to stand there stands there already."""


class MailedEnough(Exception):
    """The address has got as many mails from us today as strangers may cause."""


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
    """Ask another person to represent the organisation; nothing changes until they say yes.

    An earlier person who was asked and has not answered need not any more. Raises `NotStanding` or `MailedEnough`.
    """
    with transaction.atomic():
        signature = _standing(signature)
        take_back(signature)
        handover = signature.handovers.create(
            representative=representative, role=role, email=email, mailbox=mailbox(email), language=language
        )
        record(handover, by=None)
        if not emails.handover_offered(handover):
            raise MailedEnough
    return handover


def take_over(handover: Handover) -> str:
    """The new representative's yes: the earlier one's links are all dead, and the evidence is looked at anew.

    Returns the new secret of a withheld signature, else nothing. Raises `Overtaken`, `NotStanding` or `SignedAlready`.
    """
    try:
        with transaction.atomic():
            signature = _standing(handover.signature)
            move(handover, HandoverStatus.ACCEPTED, by=None)
            earlier = {"to": signature.email, "language": signature.language}
            secret = renew_access(signature)
            fields = ("representative", "role", "email", "mailbox", "language")
            taken = {field: getattr(handover, field) for field in fields}
            _state(signature, {**taken, "held_since": signature.link_generation})
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


def withdraw(signature: Signature, *, copies: Sequence[Copy] = ()) -> None:
    """The signer's own button: the name is off every public page and PDF when this returns. Again, it changes nothing.

    `copies` are told to the signer; see `campaign.leaving`, which knows them. Raises `publishing.services.TakenDown`
    where the pages had to go altogether, and `StillPublic` where not even that was possible; the signature is withdrawn
    all the same.
    """
    if signature.status != SignatureStatus.WITHDRAWN:
        with transaction.atomic():
            move(signature, SignatureStatus.WITHDRAWN, by=None)
            _end_what_is_open(signature)
            emails.withdrawn(signature, copies)
            touch(signature.letter, *SHOWN_IN)
    leave_the_pages(signature)


def withhold(signature: Signature) -> str:
    """From now on the signature counts and is named nowhere: its page takes a secret, and another link than before.

    Returns the secret, which is to be shown once. The caller sees to it that the name leaves the pages: see
    `leave_the_pages`. Raises `NotStanding`, also for what is withheld already.
    """
    with transaction.atomic():
        signature = _standing(signature)
        if signature.is_withheld:
            raise NotStanding
        _state(signature, {"visibility": Signature.Visibility.WITHHELD, "logo": ""})
        witness(signature, "withheld", by=None)
        secret = renew_access(signature)
        emails.new_link(signature)
        touch(signature.letter, *SHOWN_IN)
    return secret


def leave_the_pages(signature: Signature) -> None:
    """A name that may be shown no more is off every public page and PDF when this returns.

    Raises `publishing.services.TakenDown` or `StillPublic`.
    """
    publishing.write_at_once(*(f"{kind}:{signature.letter.slug}" for kind in SHOWN_IN))


def _standing(signature: Signature) -> Signature:
    """As it is now, and locked for the rest of the transaction."""
    found: Signature = Signature.objects.select_for_update().get(pk=signature.pk)
    if found.status not in STANDING:
        raise NotStanding
    return found


def _end_what_is_open(signature: Signature) -> None:
    """A signature that is over has nothing to be reviewed or accepted any more."""
    take_back(signature)
    for correction in signature.corrections.filter(status=CorrectionStatus.PENDING):
        move(correction, CorrectionStatus.DECLINED, by=None)


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
    kept: list[str] = []
    if "email" in columns:
        for column, value in IN_REACH.items():
            setattr(signature, column, value)
        kept += IN_REACH
    if any(column.startswith("name_") for column in columns):
        kept += ["name", "folded_name"]
        signature.folded_name = fold_name(getattr(signature, f"name_{settings.MODELTRANSLATION_DEFAULT_LANGUAGE}"))
    signature.save(update_fields=[*columns, *kept])
