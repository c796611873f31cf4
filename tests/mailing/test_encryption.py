"""What people told us in confidence can't be read in the database, and can be found in it."""

import pytest
from cryptography.fernet import InvalidToken
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from mailing.encryption import decrypt, encrypt, keyed_index
from signatories.folding import mailbox
from signatories.models import Signature
from tests.factories import make_letter, make_signature

ADDRESS = "Anna.Example+letters@example.org"


def stored(column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"select {column} from signatories_signature")
        [(value,)] = cursor.fetchall()
    return str(value)


@pytest.mark.django_db
def test_who_signed_for_an_organisation_is_not_readable_in_the_database() -> None:
    make_signature(make_letter(), email=ADDRESS, representative="Анна Прыклад", role="Старшыня")
    for column, text in {"email": "example", "representative": "Прыклад", "role": "Старшыня"}.items():
        assert text not in stored(column)
    signature = Signature.objects.get()
    assert (signature.email, signature.representative, signature.role) == (ADDRESS, "Анна Прыклад", "Старшыня")


@pytest.mark.django_db
def test_it_is_found_by_its_mailbox_alone() -> None:
    signature = make_signature(make_letter(), email=ADDRESS)
    assert Signature.objects.get(mailbox=mailbox("annaexample@EXAMPLE.org")) == signature
    with pytest.raises(FieldError):
        Signature.objects.filter(email=ADDRESS)


def test_the_same_text_is_encrypted_otherwise_each_time() -> None:
    first, second = encrypt("a@example.org"), encrypt("a@example.org")
    assert first != second
    assert decrypt(first) == decrypt(second) == "a@example.org"
    assert encrypt("") == decrypt("") == ""


def test_an_earlier_key_still_decrypts_and_the_first_encrypts(settings: Settings) -> None:
    settings.CONTACT_KEYS = ["old"]
    old = encrypt("a@example.org")
    settings.CONTACT_KEYS = ["new", "old"]
    new = encrypt("a@example.org")
    assert decrypt(old) == "a@example.org"
    settings.CONTACT_KEYS = ["new"]
    assert decrypt(new) == "a@example.org"
    with pytest.raises(InvalidToken):
        decrypt(old)


def test_an_index_tells_nothing_without_the_key(settings: Settings) -> None:
    settings.CONTACT_KEYS = ["one"]
    index = keyed_index("mailbox", "a@example.org")
    assert keyed_index("other", "a@example.org") != index
    settings.CONTACT_KEYS = ["two"]
    assert keyed_index("mailbox", "a@example.org") != index
    assert keyed_index("mailbox", "") == ""


@pytest.mark.django_db
def test_a_new_key_takes_over(settings: Settings) -> None:
    settings.CONTACT_KEYS = ["old"]
    signature = make_signature(make_letter(), email=ADDRESS)
    settings.CONTACT_KEYS = ["new", "old"]
    call_command("encrypt_contacts", verbosity=0)
    settings.CONTACT_KEYS = ["new"]
    found = Signature.objects.get(mailbox=mailbox(ADDRESS))
    assert (found, found.email) == (signature, ADDRESS)
