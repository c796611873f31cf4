"""Programs of the machine that tests look through, and what a PDF says."""

import os
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from django.test import Client
from pypdf import PdfReader

from accounts.models import User
from mailing.models import Mail
from tests.factories import PASSWORD


def program(name: str) -> str:
    """The path of a program; the test is skipped where there is none, unless `REQUIRE_BROWSER` is set."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")  # where servers are, which only root looks for
    if found:
        return found
    if os.environ.get("REQUIRE_BROWSER"):
        pytest.fail(f"{name} is missing")
    pytest.skip(f"{name} is missing")


def pdfsig(path: Path) -> str:
    """What poppler says of the seal on a PDF."""
    return subprocess.run([program("pdfsig"), path], capture_output=True, text=True, check=False).stdout


def pdftotext(data: bytes) -> str:
    """The text of a PDF as poppler reads it."""
    return subprocess.run([program("pdftotext"), "-", "-"], input=data, capture_output=True, check=True).stdout.decode()


def pages_of(data: bytes) -> list[str]:
    """The text of each page, with every run of white space as one space."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(data)).pages]


def text_of(data: bytes) -> str:
    return " ".join(pages_of(data))


def mails_to(address: str) -> list[Mail]:
    """What the outbox holds for an address: it is encrypted, and can't be asked for."""
    return [mail for mail in Mail.objects.order_by("pk") if mail.to == address]


def freshly_signed_in(user: User) -> Client:
    """A browser in which somebody, whatever their second factor, has just shown who they are."""
    browser = Client()
    browser.force_login(user)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser
