"""Files that show what became of a delivery: for staff alone, encrypted where they are kept."""

import hashlib
import secrets

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.models import User
from dispatch.models import Delivery, Evidence, Reply
from mailing.encryption import decrypt_bytes, encrypt_bytes

LIMIT = 10 * 1024 * 1024
TYPES = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
ENDINGS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", "message/rfc822": "eml"}


class NotAFile(Exception):
    """Neither a PDF nor a picture, or too large."""


def type_of(data: bytes) -> str:
    """By its first bytes, whatever its name says. Raises `NotAFile`."""
    found = next((kind for begins, kind in TYPES.items() if data.startswith(begins)), None)
    if found is None or len(data) > LIMIT:
        raise NotAFile
    return found


def keep(
    delivery: Delivery, data: bytes, *, kind: str, content_type: str, by: User | None, reply: Reply | None = None
) -> Evidence:
    """Store `data`, encrypted, under a name that says nothing."""
    path = default_storage.save(f"evidence/{secrets.token_hex(16)}", ContentFile(encrypt_bytes(data)))
    return delivery.evidence.create(
        reply=reply,
        kind=kind,
        path=path,
        content_type=content_type,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        added_by=by,
    )


def keep_mail(delivery: Delivery, message: bytes) -> None:
    """The mail as it goes out, before it does; once, however often the same bytes are tried."""
    sha256 = hashlib.sha256(message).hexdigest()
    if not delivery.evidence.filter(kind=Evidence.Kind.MAIL, sha256=sha256).exists():
        keep(delivery, message, kind=Evidence.Kind.MAIL, content_type="message/rfc822", by=None)


def contents(evidence: Evidence) -> bytes:
    with default_storage.open(evidence.path) as stored:
        return decrypt_bytes(stored.read())


def encrypt_anew() -> int:
    """Every file under the first of `CONTACT_KEYS`; how many there are."""
    files = 0
    for kept in Evidence.objects.iterator(chunk_size=100):
        path = default_storage.save(f"evidence/{secrets.token_hex(16)}", ContentFile(encrypt_bytes(contents(kept))))
        Evidence.objects.filter(pk=kept.pk).update(path=path)
        default_storage.delete(kept.path)
        files += 1
    return files


def name_of(evidence: Evidence) -> str:
    return f"{evidence.kind}-{evidence.pk}.{ENDINGS[evidence.content_type]}"
