"""What staff do with a signature before they decide on it, and beside: questions, notes, whose it is, its spelling."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from ledger.services import IllegalMove, Overtaken, move, record, witness
from letters.services import touch
from signatories import emails
from signatories.folding import fold_name
from signatories.models import Correction, Note, Question, Signature
from signatories.services.deciding import AlreadyApproved, approve, looked_at
from signatories.services.evidence import assess
from signatories.services.signing import SHOWN_IN
from signatories.states import CorrectionStatus, SignatureStatus


class NothingChanged(Exception):
    """What is to stand there stands there already."""


class AlreadySigned(Exception):
    """By that name, the same mailbox has signed this letter already."""


@dataclass
class Batch:
    """What came of approving many at once: those that stand under the letter now, and those that were left alone."""

    approved: list[Signature] = field(default_factory=list)
    skipped: list[Signature] = field(default_factory=list)


def ask(signature: Signature, *, by: User, text: str) -> Question:
    """Mail a question to the signer; the signature waits for the answer. Raises `Overtaken` or `IllegalMove`."""
    with transaction.atomic():
        move(signature, SignatureStatus.ASKED, by=by, only_if=looked_at(signature))
        question = Question.objects.create(signature=signature, text=text, asked_by=by)
        emails.question(signature, question)
    return question


def answer(question: Question, *, text: str) -> None:
    """What the signer says: the signature is before the staff again. Raises `Overtaken` where nothing is asked now."""
    with transaction.atomic():
        _close(question, answer=text)
        try:
            move(question.signature, SignatureStatus.PENDING, by=None)
        except IllegalMove:
            raise Overtaken from None


def take_back(question: Question, *, by: User) -> None:
    """Ask no longer: the signature is before the staff again, and the link in the mail says that nothing is asked.

    Raises `Overtaken` where it was answered meanwhile, or is asked of nobody now.
    """
    with transaction.atomic():
        _close(question, answer="")
        try:
            move(question.signature, SignatureStatus.PENDING, by=by)
        except IllegalMove:
            raise Overtaken from None


def note(signature: Signature, *, by: User, text: str) -> Note:
    """For other staff to read."""
    return Note.objects.create(signature=signature, text=text, by=by)


def assign(signature: Signature, *, to: User | None, by: User) -> None:
    """Whose it is to decide; None for nobody's. Raises `Overtaken` where somebody assigned it meanwhile."""
    if signature.assigned_to_id == (to.pk if to else None):
        return
    with transaction.atomic():
        same = Signature.objects.filter(pk=signature.pk, assigned_to=signature.assigned_to_id)
        if same.update(assigned_to=to) != 1:
            raise Overtaken
        witness(signature, "assigned" if to else "unassigned", by=by)
    signature.assigned_to = to


def spell(signature: Signature, *, by: User, names: dict[str, str]) -> Correction:
    """Write a name as it is spelt. `names` is by language; what stood there before is kept, with who changed it when.

    Raises `NothingChanged`, `AlreadySigned`, or `Overtaken` where somebody else changed the name meanwhile.
    """
    changes = _differences(signature, names)
    if not changes:
        raise NothingChanged
    now = timezone.now()
    decided = {"made_by": by, "made_at": now, "decided_by": by, "decided_at": now}
    try:
        with transaction.atomic():
            _respell(signature, changes)
            correction = Correction.objects.create(
                signature=signature, status=CorrectionStatus.ACCEPTED, changes=changes, **decided
            )
            record(correction, by=by)
            assess(signature)
            touch(signature.letter, *SHOWN_IN)
    except IntegrityError:
        raise AlreadySigned from None
    return correction


def approve_batch(signatures: Iterable[Signature], *, by: User) -> Batch:
    """Approve each by itself, as it was looked at; those that changed meanwhile are left alone."""
    batch = Batch()
    for signature in signatures:
        try:
            approve(signature, by=by)
        except (Overtaken, IllegalMove, AlreadyApproved):
            batch.skipped.append(signature)
        else:
            batch.approved.append(signature)
    return batch


def _close(question: Question, *, answer: str) -> None:
    now = timezone.now()
    still_open = Question.objects.filter(pk=question.pk, answered_at=None)
    if still_open.update(answer=answer, answered_at=now) != 1:
        raise Overtaken
    question.answer, question.answered_at = answer, now


def _differences(signature: Signature, names: dict[str, str]) -> Any:
    """By column, what stands there and what is to stand there."""
    columns = {f"name_{language}": name for language, name in names.items() if language in settings.SHIPPED_LANGUAGES}
    stated = {column: getattr(signature, column) or "" for column in columns}
    return {column: [stated[column], name] for column, name in columns.items() if name != stated[column]}


def _respell(signature: Signature, changes: dict[str, list[str]]) -> None:
    as_it_was = Q(pk=signature.pk)
    for column, (before, after) in changes.items():
        as_it_was &= Q(**{column: before}) | (Q(**{column: None}) if not before else Q())
        setattr(signature, column, after)
    signature.folded_name = fold_name(getattr(signature, f"name_{settings.MODELTRANSLATION_DEFAULT_LANGUAGE}"))
    columns = {column: getattr(signature, column) for column in (*changes, "folded_name")}
    if Signature.objects.filter(as_it_was).update(**columns) != 1:
        raise Overtaken
    signature.save(update_fields=["name"])
