"""What a stranger tries: addresses with numbers too large, headers that lie, and secrets that logs might keep."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter

from accounts.models import Role
from campaign.embedded import BASE_DIR
from campaign.logs import WithoutSecrets
from tests.factories import make_user
from tests.tools import freshly_signed_in

HUGE = "9" * 23


def with_numbers(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    """Every address that has a number in it, the number huge."""
    for pattern in resolver.url_patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from with_numbers(pattern, address)
        elif isinstance(pattern, URLPattern):
            converters = pattern.pattern.converters
            if any(isinstance(converter, IntConverter) for converter in converters.values()):
                for name, converter in converters.items():
                    is_number = isinstance(converter, IntConverter)
                    kind = next(kind for kind in ("int", "str", "slug") if f"<{kind}:{name}>" in address)
                    address = address.replace(f"<{kind}:{name}>", HUGE if is_number else "be")
                yield address


@pytest.fixture
def staff() -> Client:
    user = make_user(is_superuser=True)
    for role in set(Role.Name) - {Role.Name.TRANSLATOR}:
        user.roles.get_or_create(role=role, language="")
    return freshly_signed_in(user)


@pytest.mark.django_db
def test_a_number_that_no_row_can_have_is_of_nothing(staff: Client) -> None:
    addresses = list(with_numbers(get_resolver()))
    assert len(addresses) > 10
    for address in addresses:
        answer = staff.get(address)
        is_asked_who_they_are = answer.headers.get("Location", "").startswith(reverse("account_reauthenticate"))
        assert answer.status_code in (404, 405) or is_asked_who_they_are, address
        assert staff.post(address).status_code < 500, address


@pytest.mark.django_db
@pytest.mark.parametrize("address", [f"/admin/accounts/user/{HUGE}/change/", f"/desk/?page={HUGE}"])
def test_nor_does_one_elsewhere_break_anything(staff: Client, address: str) -> None:
    assert staff.get(address).status_code < 500


@pytest.mark.parametrize(
    "address",
    [
        "/be/signatures/confirm/s3cret:x-1/",
        "/be/signatures/take-over/s3cret/?a=b",
        "/accounts/password/reset/key/1-s3cret/",
    ],
)
def test_no_secret_of_an_address_is_written_down(address: str) -> None:
    try:
        raise ValueError(f"of {address}")
    except ValueError:
        record = logging.LogRecord(
            "django.request", logging.ERROR, "", 0, "Internal Server Error: %s", (address,), sys.exc_info()
        )
    line = WithoutSecrets("%(message)s").format(record)
    assert "s3cret" not in line
    assert "Traceback" in line
    assert line.count("/…") == 2


def test_a_form_without_its_token_leaves_no_line(tmp_path: Path) -> None:
    """In a process of its own, for the tests' own handlers hear what the site's do not."""
    code = """
import django; django.setup()
from django.conf import settings; settings.STATIC_ROOT.mkdir(exist_ok=True)
from django.test import Client
for kind in ("confirm", "withdraw"):
    answer = Client(enforce_csrf_checks=True).post(f"/be/signatures/{kind}/s3cret/", headers={"Host": "localhost"})
    assert answer.status_code == 403
"""
    env = site() | {"VAR_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=BASE_DIR, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_no_header_moves_the_site() -> None:
    assert settings.FORCE_SCRIPT_NAME == ""


def test_what_the_site_writes_is_its_users_alone(tmp_path: Path) -> None:
    var_dir = tmp_path / "new"
    command = [sys.executable, "-c", "import django; django.setup()"]
    subprocess.run(command, cwd=BASE_DIR, env=site() | {"VAR_DIR": str(var_dir)}, check=True)
    assert var_dir.stat().st_mode & 0o777 == 0o700


def site() -> dict[str, str]:
    return os.environ | {"DJANGO_SETTINGS_MODULE": "campaign.settings"}
