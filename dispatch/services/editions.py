"""An edition: frozen from what is approved, typeset and sealed in every language, then kept byte for byte."""

import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from dispatch import pdf, seal
from dispatch.content import frozen
from dispatch.models import Edition, EditionFile, Recipient
from dispatch.states import EditionStatus, Failure
from ledger.bell import ring
from ledger.services import Overtaken, move, record
from letters.models import Letter
from letters.services import digest, touch
from publishing import services as publishing
from signatories.models import Signature
from signatories.queries import given_order
from signatories.states import SignatureStatus

logger = logging.getLogger(__name__)
STAMP_AGAIN = timedelta(minutes=1)


class NothingToFreeze(Exception):
    """The letter has no approved signatory or no addressee."""


@dataclass(frozen=True)
class Cut:
    """A new edition, and who is not in it: undecided, never confirmed, or of an earlier text and not renewed."""

    edition: Edition
    pending: list[Signature]
    unconfirmed: list[Signature]
    earlier: list[Signature]


def cut_edition(letter: Letter, *, by: User | None) -> Cut:
    """Freeze text, approved signatories and addressees, and have them typeset. Raises `NothingToFreeze`.

    Whoever signed a text whose meaning has changed since, and has not kept the signature, is left out. Raises
    `seal.NoCertificate`, too, for the letter prints which certificate will seal it.
    """
    certificate = seal.fingerprint()
    with transaction.atomic():
        Letter.objects.select_for_update().get(pk=letter.pk)
        signatures = list(given_order(letter.signatures.binding(letter), letter))
        if not signatures or not letter.recipients.filter(kind=Recipient.Kind.TO).exists():
            raise NothingToFreeze
        last = letter.editions.last()
        number = last.number + 1 if last else 1
        content = frozen(letter, number, signatures, certificate=certificate)
        edition = letter.editions.create(
            number=number,
            version=letter.version,
            content=content,
            sha256=digest(content),
            reference=content["reference"],
            cut_by=by,
        )
        edition.signatures.set(signatures)
        record(edition, by=by)
        for language in content["languages"]:
            _ring_for(edition.files.create(language=language))
    left_out = letter.signatures.order_by("pk")
    return Cut(
        edition=edition,
        pending=list(left_out.filter(status__in=(SignatureStatus.PENDING, SignatureStatus.ASKED))),
        unconfirmed=list(left_out.filter(status=SignatureStatus.UNCONFIRMED)),
        earlier=list(left_out.filter(status=SignatureStatus.APPROVED, version__number__lt=letter.binding_number)),
    )


def render_file(file: EditionFile) -> None:
    """Typeset an edition in one language; the last language of an edition has it sealed."""
    edition = file.edition
    if edition.status != EditionStatus.CUT:
        return
    if not file.rendered:
        try:
            document = pdf.render(edition, file.language)
        except pdf.CannotTypeset as trouble:
            _fail(edition, trouble.failure, trouble.detail)
            return
        path = default_storage.save(_path(file, "unsealed"), ContentFile(document.data))
        kept = EditionFile.objects.filter(pk=file.pk, rendered="").update(rendered=path, pages=document.pages)
        _delete_unless(kept, path)
    if not edition.files.filter(rendered="").exists():
        _go_on(edition, EditionStatus.RENDERED)


def seal_file(file: EditionFile) -> None:
    """Seal what was typeset, once: two seals of the same bytes differ. The last one finishes the edition."""
    edition = file.edition
    if edition.status != EditionStatus.RENDERED or file.not_before > timezone.now():
        return
    if not file.sealed:
        try:
            if seal.fingerprint() != edition.content["certificate"]:
                _fail(edition, Failure.CERTIFICATE)
                return
            with default_storage.open(file.rendered) as rendered:
                sealed, certificate, stamped_at = seal.seal(rendered.read(), reference=edition.reference)
        except seal.NoCertificate as trouble:
            logger.error("Edition %s can't be sealed: %s", edition.pk, trouble)
            _fail(edition, Failure.SEAL)
            return
        except seal.NoTimeStamp:
            _put_off(file)
            return
        path = default_storage.save(_path(file, "sealed"), ContentFile(sealed))
        kept = EditionFile.objects.filter(pk=file.pk, sealed="").update(
            sealed=path,
            sha256=hashlib.sha256(sealed).hexdigest(),
            size=len(sealed),
            sealed_at=timezone.now(),
            certificate=certificate,
            stamped_at=stamped_at,
            waits_since=None,
        )
        _delete_unless(kept, path)
    if not edition.files.filter(sealed="").exists():
        _go_on(edition, EditionStatus.SEALED)


def try_again(edition: Edition, *, by: User) -> None:
    """Have an edition typeset again that could not be."""
    with transaction.atomic():
        move(edition, EditionStatus.CUT, by=by, failure="", failure_detail="")
        for file in edition.files.all():
            _ring_for(file)


def sweep() -> None:
    """Ring for editions whose work was lost on the way."""
    for file in EditionFile.objects.unfinished(timezone.now()).select_related("edition"):
        _ring_for(file)


def sealed_bytes(file: EditionFile) -> bytes:
    """The published PDF, exactly. Raises `seal.Broken` where what is stored is not what was sealed, or `OSError`."""
    return stored(file.sealed, file.sha256)


def stored(path: str, sha256: str) -> bytes:
    """What is stored under `path`, if it is that."""
    with default_storage.open(path) as file:
        data: bytes = file.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise seal.Broken(f"The stored PDF {path} is not the one that was sealed.")
    return data


def _ring_for(file: EditionFile) -> None:
    from dispatch import tasks

    ring(tasks.seal_file if file.edition.status == EditionStatus.RENDERED else tasks.render_file, file.pk)


def _go_on(edition: Edition, to: str) -> None:
    """One step further, if no other worker has made it already."""
    try:
        with transaction.atomic():
            Letter.objects.select_for_update().get(pk=edition.letter_id)  # two that are sealed at once see each other
            move(edition, to, by=None)
            if to == EditionStatus.RENDERED:
                for file in edition.files.all():
                    file.edition = edition
                    _ring_for(file)
            else:
                _supersede_older(edition.letter)
                touch(edition.letter, "editions")
                publishing.touch("site")
    except Overtaken:
        pass


def _delete_unless(kept: int, path: str) -> None:
    """Two workers may have had the same file in hand, for the bell may ring twice: the second one's is nobody's."""
    if not kept:
        default_storage.delete(path)


def _supersede_older(letter: Letter) -> None:
    """All but the latest: one that waited for its time stamp may be sealed after the next one."""
    _latest, *older = letter.editions.filter(status=EditionStatus.SEALED).order_by("-number")
    for edition in older:
        move(edition, EditionStatus.SUPERSEDED, by=None)


def _fail(edition: Edition, failure: Failure, detail: str = "") -> None:
    with suppress(Overtaken):
        move(edition, EditionStatus.FAILED, by=None, failure=failure, failure_detail=detail)


def _put_off(file: EditionFile) -> None:
    """Without a time stamp there is no seal: the sweep asks for one again."""
    now = timezone.now()
    waiting = EditionFile.objects.filter(pk=file.pk, sealed="")
    waiting.update(not_before=now + STAMP_AGAIN, waits_since=Coalesce("waits_since", Value(now)))
    logger.warning("No time stamp for %s: TSA_URL does not give one. It is asked again every minute.", file)


def _path(file: EditionFile, stage: str) -> str:
    return f"editions/{file.edition.letter.slug}/{file.edition.number}/{stage}/letter-{file.language}.pdf"
