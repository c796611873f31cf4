"""Signatures that came by mail, messenger or telephone: staff write down what was said, and how they know."""

from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from ledger.services import record as record_event
from letters.models import Letter, Version
from letters.states import LetterStatus
from signatories import emails
from signatories.authority import Grade
from signatories.folding import fold_name, mailbox
from signatories.models import Signature
from signatories.services.answering import has_signed
from signatories.services.evidence import add_evidence, assess
from signatories.services.objecting import tell_organisation
from signatories.services.secrets import new_secret, secret_index
from signatories.services.signing import NotOpen, Signing
from signatories.states import SignatureStatus


class RecordedAlready(Exception):
    """A signature of this name and mailbox is there."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How staff know: a call-back (`note`), an announcement (`address`, `dated`), a paper (`note`: where it is).

    No grade is for their own mail (`note`: where it is): what it shows, its address does.
    """

    grade: Grade
    address: str = ""
    dated: date | None = None
    note: str = ""


def record(
    letter: Letter, version: Version, signing: Signing, *, via: str, shown: Shown, by: User
) -> tuple[Signature, str]:
    """A signature as it was told, before the staff's decision; another member of staff decides on it.

    Where there is an address, the signer is mailed the link to their own page. Returned with it is the secret of that
    page where the signature is withheld, shown now and never again. Raises `NotOpen` for a letter that never was open,
    and `RecordedAlready`.
    """
    if letter.status == LetterStatus.DRAFT:
        raise NotOpen
    secret = new_secret() if signing.visibility == Signature.Visibility.WITHHELD and signing.email else ""
    now = timezone.now()
    try:
        with transaction.atomic():
            signature = letter.signatures.create(
                **signing.columns(),
                version=version,
                status=SignatureStatus.PENDING,
                folded_name=fold_name(signing.name),
                mailbox=mailbox(signing.email),
                secret_index=secret_index(secret),
                via=via,
                recorded_by=by,
                signed_at=now,
                confirmed_at=now,
            )
            record_event(signature, by=by)
            assess(signature)
            _show(signature, shown, by)
            has_signed(signature)
            emails.received(signature)
            tell_organisation(signature)
    except IntegrityError:
        raise RecordedAlready from None
    return signature, secret


def _show(signature: Signature, shown: Shown, by: User) -> None:
    if shown.grade == Grade.NONE:
        signature.notes.create(text=shown.note, by=by)
    else:
        add_evidence(signature, grade=shown.grade, by=by, address=shown.address, dated=shown.dated, note=shown.note)
