from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import models, transaction

from accounts.services import encrypt_factors_anew
from dispatch.services import evidence
from mailing.encryption import EncryptedTextField
from signatories.folding import mailbox


class Command(BaseCommand):
    """Run while the site is stopped: what is written meanwhile may be found by the earlier key alone."""

    help = "Encrypts contacts and second factors anew, under the first of CONTACT_KEYS, and makes the index anew."

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        with transaction.atomic():
            count += encrypt_factors_anew()
            for model in apps.get_models():
                if fields := [field.name for field in model._meta.fields if isinstance(field, EncryptedTextField)]:
                    count += _encrypt(model, fields)
        files = evidence.encrypt_anew()
        self.stdout.write(f"{count} rows and {files} files encrypted.")


def _encrypt(model: type[models.Model], fields: list[str]) -> int:
    """Rows are asked for without the events and checks of a save: nothing about them changes."""
    indexed = any(field.name == "mailbox" for field in model._meta.fields)
    count = 0
    for row in model._base_manager.only("pk", *fields).iterator(chunk_size=500):
        values = {name: getattr(row, name) for name in fields}
        if indexed and values["email"]:  # an index whose address was deleted stands for a wish, not for a contact
            values["mailbox"] = mailbox(values["email"])
        count += model._base_manager.filter(pk=row.pk).update(**values)
    return count
