"""What happens to published files: touched, written, taken down."""

import gzip
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import brotli
from django.utils import timezone

from ledger.bell import ring
from ledger.services import insert
from publishing import stores
from publishing.models import Touch
from publishing.pages import Place, places

log = logging.getLogger(__name__)

# What gains by being compressed; each such file has a twin of either kind, changed with it.
COMPRESSED = (".html", ".atom", ".json", ".xml", ".txt", ".svg")
TWINS = (".gz", ".br")
AT_ONCE = 500  # rows in one question; a database takes no more than so many


class Unwritten(Exception):
    """Some pages could not be rendered."""


class TakenDown(Exception):
    """The pages could not be written, and were removed until they can be."""


class StillPublic(Exception):
    """The pages could be neither written nor removed."""


@dataclass(frozen=True)
class Written:
    """How many files were written and deleted, twins not counted, of how many that are public."""

    written: int
    deleted: int
    public: int


def touch(*subjects: str, at: datetime | None = None) -> None:
    """Have every page of `subjects` written again, now or at a moment to come; to be called in a transaction."""
    from publishing import tasks

    for subject in subjects:
        insert(Touch(subject=subject, not_before=at or timezone.now()))
    if at is None:
        ring(tasks.write)


def write(patience: float = 10.0) -> Written:
    """Write what was touched. All that was touched before the call is public when it returns.

    Raises `stores.Busy`, and `Unwritten` where some page could not be rendered; all others are written even so.
    """
    if not Touch.objects.due(timezone.now()).exists():
        return Written(0, 0, 0)
    return _write_due(patience, everything=False)


def write_if_free() -> None:
    """Write all that was touched, unless another writer is at work: that one looks again before it goes home."""
    while Touch.objects.due(timezone.now()).exists():
        try:
            write(patience=0)
        except stores.Busy:
            return


def publish(patience: float = 60.0) -> Written:
    """Write every page anew. Raises as `write` does."""
    return _write_due(patience, everything=True)


def write_at_once(*subjects: str) -> None:
    """Write what was touched before returning, or take the pages of `subjects` down.

    For a name that may not stay public a moment longer. Raises `TakenDown` where the pages could not be written and are
    gone instead, `StillPublic` where they could not be removed either.
    """
    try:
        write()
    except Exception as failure:  # whatever it was: the name has to go
        log.error("Pages could not be written and are taken down.", exc_info=True)
        try:
            take_down(*subjects)
        except Exception as worse:
            raise StillPublic from worse
        raise TakenDown from failure
    _ring_if_due()  # a writer that found this one at work went home


def take_down(*subjects: str, patience: float = 10.0) -> None:
    """Remove every page of `subjects`, and what is public no more, without rendering anything.

    What was touched is written back later.
    """
    with stores.change(patience) as change:
        stay = {place.file for place in places() if not place.shows(set(subjects))}
        for name in _pages_in(change) - stay:
            _delete(change, name)


def _write_due(patience: float, *, everything: bool) -> Written:
    """Bring the files level with the data; what could not be rendered stays touched, to be tried again."""
    with stores.change(patience) as change:
        # Read after the lease is ours, so that nothing older than what stands there is written.
        touched = list(Touch.objects.due(timezone.now()))
        subjects = None if everything else {touch.subject for touch in touched}
        written, broken = _bring_level(change, subjects)
    done = [touch.pk for touch in touched if not any(place.shows({touch.subject}) for place in broken)]
    for start in range(0, len(done), AT_ONCE):
        Touch.objects.filter(pk__in=done[start : start + AT_ONCE]).delete()
    if broken:
        raise Unwritten(", ".join(place.address for place in broken))
    return written


def _bring_level(change: stores.Change, subjects: set[str] | None) -> tuple[Written, list[Place]]:
    """Write the places that show one of `subjects` (all if None), and delete what is not public any more.

    Returns the places that could not be rendered, too. Their files stay as they were.
    """
    public = {place.file: place for place in places()}
    there = _pages_in(change)
    gone = there - public.keys()
    for name in gone:
        _delete(change, name)
    count, broken = 0, []
    for place in _wanted(public, there, subjects):
        try:
            data = place.render()
        except Exception:  # whatever it is: one broken page must not keep the others from the public
            log.exception("The page %s could not be rendered.", place.address)
            broken.append(place)
        else:
            count += _write(change, place.file, data)
    return Written(count, len(gone), len(public)), broken


def _pages_in(change: stores.Change) -> set[str]:
    """The pages of which there is anything, be it a twin that a writer of objects left behind as it died."""
    return {name.removesuffix(".gz").removesuffix(".br") for name in change.names()}


def _wanted(public: dict[str, Place], there: set[str], subjects: set[str] | None) -> Iterable[Place]:
    for name, place in public.items():
        if subjects is None or name not in there or place.shows(subjects):
            yield place


def _write(change: stores.Change, name: str, data: bytes) -> bool:
    """Write a page and its twins, where they differ from what is there; whether they did."""
    if change.read(name) == data:
        return False
    if name.endswith(COMPRESSED):
        change.write(f"{name}.gz", gzip.compress(data, 6, mtime=0))
        change.write(f"{name}.br", brotli.compress(data, quality=5))  # 11 takes half a second for 4,000 names
    change.write(name, data)  # last, for it is what the next writer compares: where it is level, its twins are
    return True


def _delete(change: stores.Change, name: str) -> None:
    change.delete(name)
    if name.endswith(COMPRESSED):
        for twin in TWINS:
            change.delete(name + twin)


def sweep() -> None:
    """Ring for what was touched and not written (an embargo that has ended, too), and tidy up."""
    stores.tidy()
    _ring_if_due()


def _ring_if_due() -> None:
    from publishing import tasks

    if Touch.objects.due(timezone.now()).exists():
        ring(tasks.write)
