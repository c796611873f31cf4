"""The site that is measured, and how figures are shown."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

BASE_DIR = Path(__file__).resolve().parent.parent.parent


def own(var_dir: Path) -> dict[str, str]:
    return {"VAR_DIR": str(var_dir), "DATABASE_URL": "", "REDIS_URL": "", "EMAIL_URL": ""}


def set_up(var_dir: Path) -> None:
    """Django, on a SQLite of its own."""
    os.environ.update(own(var_dir), DJANGO_SETTINGS_MODULE="campaign.settings")
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # staff made by the thousand
    settings.STATIC_ROOT.mkdir(parents=True)  # WhiteNoise warns of a missing one
    call_command("migrate", verbosity=0)


@contextmanager
def quiet_bell() -> Iterator[None]:
    """There is no broker here: what is rung for waits in the database."""
    from ledger import bell

    with patch.object(bell, "_ring", lambda task, args: None):
        yield


def show(what: str, figure: str) -> None:
    print(f"{what:<55} {figure}", flush=True)
