"""A logo: whatever was uploaded, what is kept is a small PNG of its pixels alone."""

import io
import os
import struct
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image, PngImagePlugin

from letters.models import Letter
from signatories import logos, services
from signatories.models import Signature
from signatories.states import SignatureStatus
from tests.factories import make_letter, make_signature, make_user
from tests.signatories.test_signing import SIGN, stated

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter() -> Letter:
    return make_letter()


def picture(kind: str = "PNG", size: tuple[int, int] = (900, 300), mode: str = "RGB", **options: Any) -> bytes:
    made = io.BytesIO()
    Image.new(mode, size, "red").save(made, kind, **options)
    return made.getvalue()


def with_metadata() -> bytes:
    exif = Image.Exif()
    exif[0x013B] = "Jane Example"  # artist
    exif[0x0112] = 6  # turned by a quarter
    return picture("JPEG", exif=exif.tobytes(), comment=b"taken at home")


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 30,000 by 30,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def post(client: Client, letter: Letter, data: bytes, name: str = "logo.png", **changes: str) -> Any:
    return client.post(SIGN, {**stated(letter, **changes), "logo": SimpleUploadedFile(name, data)})


def files() -> list[Path]:
    return list((Path(settings.MEDIA_ROOT) / "logos").glob("*"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_it_becomes_a_small_png_under_a_name_that_tells_nothing(client: Client, letter: Letter, kind: str) -> None:
    assert post(client, letter, picture(kind), name="Example Watch.exe").status_code == 302
    signature = letter.signatures.get()
    [path] = files()
    assert signature.logo.name == f"logos/{path.name}"
    assert "Example" not in path.name
    with Image.open(path) as kept:
        assert (kept.format, kept.size) == ("PNG", (480, 160))


def test_what_else_the_file_held_is_gone(client: Client, letter: Letter) -> None:
    assert post(client, letter, with_metadata()).status_code == 302
    [path] = files()
    with Image.open(path) as kept:
        assert kept.size == (80, 240), "it stands upright"
        assert kept.info == {}
        assert not kept.getexif()
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "Jane Example")
    kept_bytes = logos.clean_logo(io.BytesIO(picture(pnginfo=text)), 1000)
    assert b"Jane" not in kept_bytes


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "I;16", "CMYK"])
def test_pictures_of_every_mode_are_read(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    made = io.BytesIO()
    Image.new(mode, (10, 10)).save(made, kind)
    assert logos.clean_logo(made, 1).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "can’t be read"),
        (b"GIF89a", "can’t be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "can’t be read"),
        (picture()[:20], "can’t be read"),
        (picture("GIF"), "can’t be read"),
        (picture("BMP"), "can’t be read"),
        (b"\xff\xd8\xff" + b"\0" * 500, "can’t be read"),
        (b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 30, "can’t be read"),
        (bomb(), "more than 4 million pixels"),
        (picture(size=(2001, 2000)), "more than 4 million pixels"),
        (os.urandom(logos.BYTES_AT_MOST + 1), "larger than 1 MB"),
    ],
)
def test_what_is_no_logo_is_said_at_its_field(client: Client, letter: Letter, data: bytes, message: str) -> None:
    answer = post(client, letter, data)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["logo"]
    assert message in answer.text
    assert 'value="Example Watch"' in answer.text
    assert files() == []
    assert not Signature.objects.exists()


def test_none_is_kept_of_whoever_is_withheld_whatever_it_is(client: Client, letter: Letter) -> None:
    for data in (picture(), b"no picture"):
        assert post(client, letter, data, visibility="withheld").status_code == 200
    assert letter.signatures.get().logo.name == ""
    assert files() == []


def test_a_form_that_has_to_be_sent_again_asks_for_the_file_again(client: Client, letter: Letter) -> None:
    answer = post(client, letter, picture(), email="jane")
    assert sorted(answer.context["form"].errors) == ["email", "logo"]
    assert "Choose the file again" in answer.text


def test_what_was_stated_last_counts_and_files_to_which_nothing_leads_go(client: Client, letter: Letter) -> None:
    post(client, letter, picture())
    post(client, letter, picture(size=(10, 10)))
    assert len(files()) == 2
    services.forget_logos()
    assert len(files()) == 2, "a row may be on its way"
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        services.forget_logos()
    assert [f"logos/{path.name}" for path in files()] == [letter.signatures.get().logo.name]
    letter.signatures.all().delete()
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        services.forget_logos()
    assert files() == []


def test_a_stranger_changes_no_logo_that_stands(client: Client, letter: Letter) -> None:
    standing = make_signature(letter, name="Example Watch", email="jane@watch.example.org", logo="logos/its-own.png")
    assert post(client, letter, picture()).status_code == 302
    standing.refresh_from_db()
    assert standing.logo.name == "logos/its-own.png"


def test_it_enters_the_registry_with_the_approval(client: Client, letter: Letter) -> None:
    signature = make_signature(letter, status=SignatureStatus.PENDING, logo="logos/its-own.png")
    services.approve(signature, by=make_user())
    assert signature.organisation
    signature.organisation.refresh_from_db()
    assert signature.organisation.logo.name == "logos/its-own.png"
