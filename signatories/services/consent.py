"""Consent is for a text: when its meaning changes, whoever signed an earlier one keeps the signature, or it lapses."""

from collections.abc import Iterator
from contextlib import suppress

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from ledger.services import Overtaken, move, witness
from letters.models import Letter, Version
from letters.services import touch
from signatories import emails
from signatories.models import Signature, SignatureQuerySet
from signatories.services.changing import STANDING, NotStanding
from signatories.services.deciding import AlreadyApproved
from signatories.services.signing import SHOWN_IN, Changed
from signatories.states import SignatureStatus

BATCH = 500  # signatures that one run looks at; the next run goes on


def keep(signature: Signature, *, version: Version, by: User | None = None) -> None:
    """The signer's button: the signature is one of `version`, which was read. Again, it changes nothing.

    One that had lapsed stands under the letter again. Raises `Changed` where the meaning has changed since that
    version, `NotStanding`, or `AlreadyApproved` where the organisation stands there by another signature meanwhile.
    """
    try:
        with transaction.atomic():
            letter = Letter.objects.select_for_update().get(pk=version.letter_id)
            if version.number < letter.binding_number:
                raise Changed
            fresh = letter.signatures.select_for_update().get(pk=signature.pk)
            if fresh.status not in STANDING:
                raise NotStanding
            if fresh.status == SignatureStatus.LAPSED:
                move(fresh, SignatureStatus.APPROVED, by=by, version=version)
            elif fresh.version.number < version.number:
                Signature.objects.filter(pk=fresh.pk).update(version=version)
                witness(fresh, "kept", by=by)
            touch(letter, *SHOWN_IN)
    except IntegrityError:
        raise AlreadyApproved from None
    signature.refresh_from_db()


def keep_as_told(signature: Signature, *, version: Version, how: str, by: User) -> None:
    """Staff write down that the signer keeps it, and `how` they said so; what `keep` raises."""
    with transaction.atomic():
        keep(signature, version=version, by=by)
        signature.notes.create(text=how, by=by)


def ask_for_consent() -> None:
    """Mail those who signed an earlier text, each once for the latest change of its meaning and no other.

    The row itself is the queue: `asked_version` is set in the transaction that puts the mail into the outbox.
    """
    for version in _unsettled():
        unasked = Q(asked_version=None) | Q(asked_version__number__lt=version.number)
        for signature in _of_earlier_text(version).filter(unasked).order_by("pk")[:BATCH]:
            _ask(signature, version)


def lapse() -> None:
    """End the approved signatures of those who were asked and have not answered by the end of the day that was named.

    Also of those whom no mail reaches and whom staff ask (`queries.not_asked_by_mail`).
    """
    today = timezone.now().date()
    for version in _binding(Version.objects.filter(is_material=True, keep_until__lt=today)):
        silent = _of_earlier_text(version).filter(status=SignatureStatus.APPROVED, asked_version=version)
        for signature in silent.order_by("pk")[:BATCH]:
            _lapse(signature, version)


def _ask(signature: Signature, version: Version) -> None:
    seen = {"version": signature.version_id, "asked_version": signature.asked_version_id}
    with transaction.atomic():
        if Signature.objects.standing().filter(pk=signature.pk, **seen).update(asked_version=version) == 1:
            emails.text_changed(signature, version)


def _lapse(signature: Signature, version: Version) -> None:
    seen = {"version_id": signature.version_id, "asked_version_id": version.pk}
    with suppress(Overtaken), transaction.atomic():
        move(signature, SignatureStatus.LAPSED, by=None, only_if=seen)
        emails.lapsed(signature, version)
        touch(signature.letter, *SHOWN_IN)


def _unsettled() -> Iterator[Version]:
    """Changes of the meaning whose last day is not over: nobody is asked for an answer that would come too late."""
    return _binding(Version.objects.filter(is_material=True, keep_until__gte=timezone.now().date()))


def _binding(versions: QuerySet[Version]) -> Iterator[Version]:
    """Of these, the latest change of each letter's meaning."""
    for version in versions.select_related("letter").order_by("pk"):
        if version.number == version.letter.binding_number:
            yield version


def _of_earlier_text(version: Version) -> SignatureQuerySet:
    signatures = Signature.objects.standing().filter(letter=version.letter_id, version__number__lt=version.number)
    return signatures.select_related("letter", "version", "organisation")
