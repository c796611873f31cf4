"""What staff do with a signature before they decide on it, and beside: questions, notes, whose it is, its spelling."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from ledger.services import IllegalMove, Overtaken, move, witness
from signatories import emails
from signatories.models import Note, Question, Signature
from signatories.services.deciding import AlreadyApproved, EarlierText, RecordedByOneself, approve, looked_at
from signatories.states import SignatureStatus


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


def take_back_question(question: Question, *, by: User) -> None:
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


def approve_batch(signatures: Iterable[Signature], *, by: User) -> Batch:
    """Approve each by itself, as it was looked at; those that changed meanwhile are left alone."""
    batch = Batch()
    for signature in signatures:
        try:
            approve(signature, by=by)
        except (Overtaken, IllegalMove, AlreadyApproved, EarlierText, RecordedByOneself):
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
