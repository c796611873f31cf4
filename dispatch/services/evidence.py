"""Files that show what became of a delivery: for staff alone, encrypted where they are kept.

Of a mail only its own part is stored. The PDFs in it are those of the edition, which are kept anyway; what comes out
is the mail byte for byte, or nothing.
"""

import hashlib
import secrets
from collections.abc import Iterator

from cryptography.fernet import InvalidToken
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from accounts.models import User
from dispatch import seal
from dispatch.emails import Mail
from dispatch.encoded import Attached, filled
from dispatch.models import Delivery, EditionFile, Evidence, Reply
from ledger.services import insert
from mailing.encryption import decrypt_bytes, encrypt_bytes

LIMIT = 10 * 1024 * 1024
TYPES = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
ENDINGS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", "message/rfc822": "eml"}


class NotAFile(Exception):
    """Neither a PDF nor a picture, or too large."""


class Broken(Exception):
    """It can't be read, or is not what was kept."""


def type_of(data: bytes) -> str:
    """By its first bytes, whatever its name says. Raises `NotAFile`."""
    found = next((kind for begins, kind in TYPES.items() if data.startswith(begins)), None)
    if found is None or len(data) > LIMIT:
        raise NotAFile
    return found


def add(delivery: Delivery, data: bytes, *, kind: str, by: User, reply: Reply | None = None) -> Evidence:
    """What a person shows, once: a button may be pressed twice. Raises `NotAFile`."""
    with transaction.atomic():
        Delivery.objects.select_for_update().get(pk=delivery.pk)
        same = delivery.evidence.filter(kind=kind, reply=reply, sha256=hashlib.sha256(data).hexdigest()).first()
        return same or keep(delivery, data, kind=kind, content_type=type_of(data), by=by, reply=reply)


def keep(
    delivery: Delivery, data: bytes, *, kind: str, content_type: str, by: User | None, reply: Reply | None = None
) -> Evidence:
    return delivery.evidence.create(
        reply=reply,
        kind=kind,
        path=_store(data),
        content_type=content_type,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        added_by=by,
    )


def keep_mail(delivery: Delivery, mail: Mail) -> None:
    """The mail as it goes out, before it does; once, however often the same bytes are tried."""
    is_first = delivery.attempts == 1
    if not is_first and delivery.evidence.filter(kind=Evidence.Kind.MAIL, sha256=mail.sha256).exists():
        return
    kept = Evidence(
        delivery=delivery,
        kind=Evidence.Kind.MAIL,
        path=_store(mail.own),
        attached=[[place, file.sha256] for place, file in mail.attached],
        content_type="message/rfc822",
        size=mail.size,
        sha256=mail.sha256,
    )
    insert(kept)


def contents(evidence: Evidence) -> bytes:
    """Exactly what was kept. Raises `Broken`."""
    try:
        data = b"".join(filled(_stored(evidence), _attached(evidence)))
    except (OSError, InvalidToken, seal.Broken) as trouble:
        raise Broken(f"Evidence {evidence.pk}: {trouble}") from trouble
    if hashlib.sha256(data).hexdigest() != evidence.sha256:
        raise Broken(f"Evidence {evidence.pk} is not what was kept.")
    return data


def encrypt_anew() -> int:
    """Every file under the first of `CONTACT_KEYS`; how many there are."""
    files = 0
    for kept in Evidence.objects.iterator(chunk_size=100):
        Evidence.objects.filter(pk=kept.pk).update(path=_store(_stored(kept)))
        default_storage.delete(kept.path)
        files += 1
    return files


def name_of(evidence: Evidence) -> str:
    return f"{evidence.kind}-{evidence.pk}.{ENDINGS[evidence.content_type]}"


def _store(data: bytes) -> str:
    """Encrypted, under a name that says nothing."""
    return default_storage.save(f"evidence/{secrets.token_hex(16)}", ContentFile(encrypt_bytes(data)))


def _stored(evidence: Evidence) -> bytes:
    with default_storage.open(evidence.path) as file:
        return decrypt_bytes(file.read())


def _attached(evidence: Evidence) -> Iterator[Attached]:
    files = EditionFile.objects.filter(edition__deliveries=evidence.delivery_id)
    for place, sha256 in evidence.attached:
        file = files.filter(sha256=sha256).first()
        if file is None:
            raise seal.Broken(f"The edition has no PDF {sha256}.")
        yield place, file
