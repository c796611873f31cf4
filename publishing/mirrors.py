"""Copies of the published tree in folders of their own, to be served by other hosts.

A mirror is plain files: whatever serves files can serve it. What begins with a dot at its top is not ours to touch, but
for the folder in which we know it again.
"""

import fcntl
import logging
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils import timezone

from publishing import stores
from publishing.models import Mirror, Touch
from publishing.pages import EVERY_PAGE
from publishing.services import touch, write_if_free

log = logging.getLogger(__name__)

OURS = ".undersigned"  # holds the key, the lock, and a file that is being written
UNSEEN = timedelta(seconds=30)  # for which a transaction may be open; what it touches carries the time of its beginning
PASSES = 10
STATIC = re.compile(rb'(?:href|src)="/static/([\w./-]+)"')
is_web_address = URLValidator(schemes=["https", "http"])


class NotAMirror(Exception):
    """The folder can't be made a mirror of this site, and was left as it is."""


class NotAnAddress(Exception):
    """A mirror is known by the address at which its root is served."""


class NothingPublished(Exception):
    """There is nothing to mirror yet."""


class Restless(Exception):
    """The published pages changed faster than they could be copied."""


@dataclass(frozen=True)
class Mirrored:
    """Which files were written and deleted, of how many that are in the mirror."""

    written: frozenset[str]
    deleted: frozenset[str]
    files: int

    def __add__(self, later: "Mirrored") -> "Mirrored":
        return Mirrored(self.written | later.written, self.deleted | later.deleted, later.files)


def mirror(folder: Path, *, address: str | None = None) -> Mirrored:
    """Make `folder` level with what is published, and known by `address` if one is given ("" takes it back).

    A folder that is empty or not there yet becomes a mirror; any other that is none of ours is refused (`NotAMirror`).
    Raises `NotAnAddress`, `NothingPublished`, `Restless` and `stores.Busy`, too, and OSError as the folder does.
    """
    folder = folder.resolve()
    stated = None if address is None else _clean(address)
    known = _known(folder) or _begin(folder)
    done = _bring_level(known)
    if stated is not None and stated != known.address:
        _announce(known, stated)
        write_if_free()
        done += _bring_level(known)
    return done


def refresh_mirrors() -> None:
    """Bring every mirror level that is a folder of this host; one that fails keeps none of the others back."""
    for known in Mirror.objects.all():
        if _key_in(Path(known.where)) != known.key:
            continue  # it is another host's
        try:
            _bring_level(known)
        except stores.Busy:
            pass  # somebody is at it
        except (OSError, NothingPublished, Restless):
            log.exception("The mirror %s could not be brought level.", known.where)


def mirrors_behind(moment: datetime) -> list[Mirror]:
    """The mirrors that may still show what was public before `moment`."""
    return list(Mirror.objects.behind(moment))


def forget(folder: Path) -> bool:
    """Count a folder among the mirrors no more; its files stay. Whether it was one."""
    with transaction.atomic():
        found = Mirror.objects.filter(where=str(folder.resolve())).first()
        if found:
            if found.address:
                _announce(found, "")
            found.delete()
    return found is not None


# Which folder is a mirror -------------------------------------------------------------------------


def _known(folder: Path) -> Mirror | None:
    """The mirror that `folder` is: by its place, and by the key in it, which a copy has in another place."""
    return Mirror.objects.filter(where=str(folder), key=_key_in(folder)).first()


def _key_in(folder: Path) -> str:
    try:
        return (folder / OURS / "key").read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return ""


def _begin(folder: Path) -> Mirror:
    if folder.is_relative_to(Path(settings.VAR_DIR).resolve() / "public"):
        raise NotAMirror(f"{folder} belongs to the site itself; a mirror needs a folder of its own.")
    if folder.exists() and not folder.is_dir():
        raise NotAMirror(f"{folder} is not a folder.")
    if folder.exists() and {path.name for path in folder.iterdir()} - {OURS}:
        raise NotAMirror(f"{folder} is not empty, and not a mirror that this site made; nothing in it was changed.")
    with transaction.atomic():
        Mirror.objects.filter(where=str(folder)).delete()  # somebody emptied what was there
        known = Mirror.objects.create(where=str(folder), key=secrets.token_hex(16))
        (folder / OURS).mkdir(parents=True, exist_ok=True)
        (folder / OURS / "key").write_text(f"{known.key}\n", encoding="ascii")
    return known


# What it is known by ------------------------------------------------------------------------------


def _clean(address: str) -> str:
    address = address.strip().rstrip("/")
    if not address:
        return ""
    try:
        is_web_address(address)
    except ValidationError:
        raise NotAnAddress(address) from None
    if len(address) > 200 or not re.fullmatch(r"https?://[^/?#@]+", address):
        raise NotAnAddress(address)
    return address


def _announce(known: Mirror, address: str) -> None:
    """Every page names the mirrors in its foot."""
    with transaction.atomic():
        known.address = address
        known.save(update_fields=["address"])
        touch(EVERY_PAGE)


# Bringing it level --------------------------------------------------------------------------------


def _bring_level(known: Mirror) -> Mirrored:
    folder = Path(known.where)
    with _alone(folder):
        level = _level()
        for _ in range(PASSES):
            try:
                done = _copy(stores.reading(), folder)
            except stores.Vanished:
                continue  # what has been copied need not be again
            Mirror.objects.filter(pk=known.pk).update(level=level)
            return done
    raise Restless


def _level() -> datetime:
    """Everything touched before this moment is in the files by now."""
    now = timezone.now()
    waiting = Touch.objects.due(now).order_by("not_before").values_list("not_before", flat=True).first()
    return (waiting or now) - UNSEEN


def _copy(source: stores.Reading, folder: Path) -> Mirrored:
    """One pass. What is gone goes first: it may be a name. Raises `stores.Vanished`, and can be called again."""
    names = source.names()
    if not names:
        raise NothingPublished
    static = {name: data for name in names if name.endswith(".html") for name, data in _static(source.read(name))}
    wanted = names | static.keys()
    gone = _names(folder) - wanted
    for name in gone:
        _delete(folder, name)
    written = {name for name in wanted if _write(folder, name, static[name] if name in static else source.read(name))}
    return Mirrored(frozenset(written), frozenset(gone), len(wanted))


def _static(page: bytes) -> Iterator[tuple[str, bytes]]:
    """The style sheets and pictures that a page asks for."""
    for found in set(STATIC.findall(page)):
        if path := finders.find(found.decode()):
            yield f"static/{found.decode()}", Path(str(path)).read_bytes()


def _names(folder: Path) -> set[str]:
    found = set()
    for here, folders, names in os.walk(folder):
        links = [name for name in folders if Path(here, name).is_symlink()]  # not followed, and none of ours
        found |= {str(Path(here, name).relative_to(folder)) for name in (*names, *links)}
        if Path(here) == folder:
            folders[:] = [name for name in folders if not name.startswith(".")]
    return {name for name in found if not name.startswith(".")}


def _write(folder: Path, name: str, data: bytes) -> bool:
    """Put a file in its place, whole, where it differs from what is there; whether it did."""
    path = folder / name
    if path.is_file() and path.read_bytes() == data:
        return False
    unfinished = folder / OURS / "new"
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished.replace(path)
    return True


def _delete(folder: Path, name: str) -> None:
    path = folder / name
    path.unlink()
    for parent in path.relative_to(folder).parents:
        if parent != Path() and not any((folder / parent).iterdir()):
            (folder / parent).rmdir()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer a mirror. What one that was killed had half written goes."""
    with (folder / OURS / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise stores.Busy from None
        (folder / OURS / "new").unlink(missing_ok=True)
        yield
