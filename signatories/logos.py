"""A logo as it was uploaded, made into a small PNG that holds nothing but the picture."""

import io
import struct
import zlib
from typing import BinaryIO

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

BYTES_AT_MOST = 1024 * 1024
PIXELS_AT_MOST = 4_000_000  # before anything is decoded: 16 MB of memory
KEPT_SIZE = (480, 240)
FORMATS = ("PNG", "JPEG", "WEBP")
FOLDER = "logos"
# What Pillow raises for files that are not what they say, by format and by how far it came.
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


def clean_logo(file: BinaryIO, size: int) -> bytes:
    """The picture in `file` as a PNG that fits `KEPT_SIZE`, without metadata. Raises ValidationError."""
    if size > BYTES_AT_MOST:
        raise ValidationError(_("This file is larger than 1 MB. Choose a smaller one."), code="large")
    try:
        with Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > PIXELS_AT_MOST:
                raise Image.DecompressionBombError
            return _as_png(picture)
    except Image.DecompressionBombError:
        message = _("This picture has more than 4 million pixels. Choose a smaller one.")
        raise ValidationError(message, code="large") from None
    except UNREADABLE:
        message = _("This file can’t be read as a PNG, JPEG or WebP picture. Choose another one.")
        raise ValidationError(message, code="unreadable") from None


def keep(png: bytes) -> str:
    """Put a logo among the files of the site, under a name that tells nothing; the name."""
    return default_storage.save(f"{FOLDER}/{get_random_string(32)}.png", ContentFile(png))


def stored() -> list[str]:
    """The names of all logos among the files of the site."""
    try:
        return [f"{FOLDER}/{name}" for name in default_storage.listdir(FOLDER)[1]]
    except FileNotFoundError:
        return []


def _as_png(picture: Image.Image) -> bytes:
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    upright.thumbnail(KEPT_SIZE)
    # Pixels alone are carried over: what else came with the file stays behind.
    bare = Image.frombytes("RGBA", upright.size, upright.tobytes())
    made = io.BytesIO()
    bare.save(made, "PNG", optimize=True)
    return made.getvalue()
