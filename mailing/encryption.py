"""What people told us in confidence: encrypted at rest, and found through a keyed index."""

import base64
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.crypto import salted_hmac


def keyed_index(purpose: str, value: str) -> str:
    """Finds an encrypted value by equality, and tells nobody without the key what it is. Empty for an empty value."""
    if not value:
        return ""
    secret = settings.CONTACT_KEYS[0]
    return salted_hmac(f"index.{purpose}", value, secret=secret, algorithm="sha256").hexdigest()


def encrypt(text: str) -> str:
    """`text` under the first of `CONTACT_KEYS`; empty stays empty."""
    return _box(tuple(settings.CONTACT_KEYS)).encrypt(text.encode()).decode() if text else ""


def decrypt(stored: str) -> str:
    """What was encrypted under any of `CONTACT_KEYS`. Raises `cryptography.fernet.InvalidToken`."""
    return _box(tuple(settings.CONTACT_KEYS)).decrypt(stored.encode()).decode() if stored else ""


def encrypt_bytes(data: bytes) -> bytes:
    """A file under the first of `CONTACT_KEYS`."""
    return _box(tuple(settings.CONTACT_KEYS)).encrypt(data)


def decrypt_bytes(stored: bytes) -> bytes:
    """Raises `cryptography.fernet.InvalidToken`."""
    return _box(tuple(settings.CONTACT_KEYS)).decrypt(stored)


class EncryptedTextField(models.TextField):
    """Text that only the site can read. It can't be searched or sorted by: keep a `keyed_index` beside it."""

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return None if text is None else encrypt(str(text))

    def from_db_value(self, value: str | None, *_: object) -> Any:
        return None if value is None else decrypt(value)

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None


class EncryptedJSONField(EncryptedTextField):
    """The same for a small structure; an empty one stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(json.dumps(value, ensure_ascii=False, cls=DjangoJSONEncoder) if value else "")

    def from_db_value(self, value: str | None, *_: object) -> Any:
        text = super().from_db_value(value)
        return json.loads(text) if text else {}


@lru_cache(maxsize=8)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    """RFC 5869: a key of its own for this use, however long and for whatever else the configured one is used."""
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"undersigned contacts")
    return base64.urlsafe_b64encode(hkdf.derive(key.encode()))
