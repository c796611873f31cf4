"""A coalition's table becomes signatures: looked through first, then all of it or nothing, and no row twice.

What was uploaded waits encrypted for whoever looks at what was found, and never longer than `KEPT`.
"""

import io
import time
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import IO, Any

from celery import Task
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from ledger.bell import ring
from ledger.services import Overtaken, move, record
from letters.models import Letter
from letters.services import touch
from signatories.models import Import, Signature
from signatories.services.evidence import assess, write_name_keys
from signatories.services.imported_rows import Maker, Seen, Survey, look_through, pack, unpack, unpacked_rows
from signatories.services.signing import SHOWN_IN
from signatories.states import ImportStatus, SignatureStatus
from signatories.tables import Problem, Unreadable, open_table

AT_ONCE = 100_000  # bytes of a file, or of packed rows, that are worked on while the sender waits
KEPT = timedelta(hours=24)
LEASE = timedelta(minutes=8)  # a worker that has not come back by then was killed
WEIGHING = 30  # seconds at a time
WEIGHED_AT_ONCE = 50  # signatures
# Whoever has not confirmed meets nobody, nor does who is out already.
WEIGHED = (SignatureStatus.PENDING, SignatureStatus.ASKED, SignatureStatus.APPROVED, SignatureStatus.LAPSED)


def receive(letter: Letter, file: IO[bytes], *, by: User) -> Import:
    """Keep a file that was sent to the desk, and look through it: at once, or if it is long soon after.

    Raises `Unreadable`.
    """
    open_table(file)
    file.seek(0)
    content = file.read()
    with transaction.atomic():
        upload: Import = letter.imports.create(content=pack(content), made_by=by)
        record(upload, by=by)
        if len(content) > AT_ONCE:
            _ring("check_import", upload)
    if len(content) <= AT_ONCE:
        check(upload)
    return upload


def check(upload: Import) -> None:
    """Look through the file. From here on its rows are kept in its stead, and of them only our columns."""
    if not _take(upload, ImportStatus.UPLOADED):
        return
    with _language_of(upload):
        try:
            survey, rows = look_through(upload.letter, io.BytesIO(unpack(upload.content)))
            state, found = ImportStatus.REFUSED if survey.problem_count else ImportStatus.CHECKED, survey
        except Unreadable as error:
            state, found, rows = ImportStatus.REFUSED, Survey(problems=[_of_all(str(error))], problem_count=1), []
    content = "" if found.problem_count else "\n".join(rows)
    with suppress(Overtaken):  # it was dropped meanwhile
        move(upload, state, by=None, found=asdict(found), content=content, taken_at=None)


def begin(upload: Import, *, by: User, visibility: str) -> None:
    """Import what was found. Rows that don't say whether the name may be published get `visibility`.

    Raises `Overtaken` or `IllegalMove`.
    """
    is_short = len(upload.content) <= AT_ONCE
    with transaction.atomic():
        move(upload, ImportStatus.QUEUED, by=by, visibility=Signature.Visibility(visibility).value)
        if not is_short:
            _ring("carry_out_import", upload)
    if is_short:
        carry_out(upload)


def carry_out(upload: Import) -> None:
    """Make signatures of the rows, all in one transaction. Started twice, it is done once."""
    if not _take(upload, ImportStatus.QUEUED):
        return
    try:
        with transaction.atomic():
            _make(upload, upload.content.split("\n"))
    except IntegrityError:
        with _language_of(upload):
            problem = _of_all(_("Meanwhile somebody signed for one of these organisations. Upload the table again."))
        found = replace(survey_of(upload), problems=[problem], problem_count=1)
        upload.refresh_from_db(fields=["status"])
        move(upload, ImportStatus.REFUSED, by=None, content="", found=asdict(found), done_at=timezone.now())


def drop(upload: Import, *, by: User | None) -> None:
    """Keep nothing of what was uploaded. Raises `Overtaken` or `IllegalMove`."""
    move(upload, ImportStatus.DROPPED, by=by, content="", done_at=timezone.now())


def import_file(letter: Letter, file: IO[bytes], *, by: User | None, visibility: str) -> Survey:
    """Look through a file and, if nothing is wrong, import it. Raises `Unreadable`."""
    survey, rows = look_through(letter, file)
    if not survey.problem_count:
        with transaction.atomic():
            upload = Import(letter=letter, made_by=by, visibility=Signature.Visibility(visibility).value)
            kept: Any = asdict(survey)
            upload.status, upload.found = ImportStatus.QUEUED, kept
            upload.save()
            record(upload, by=by)
            _make(upload, rows)
    return survey


def survey_of(upload: Import) -> Survey:
    """What the check found."""
    kept: Any = upload.found
    return Survey.of(kept)


def weigh(upload: Import) -> None:
    """Look at what was imported as at whatever is confirmed: evidence, doubts. After a while another worker goes on."""
    if not _take(upload, ImportStatus.DONE):
        return
    until = time.monotonic() + WEIGHING
    while upload.weighed < upload.last and time.monotonic() < until:
        _weigh_some(upload)
    with transaction.atomic():
        Import.objects.filter(pk=upload.pk).update(taken_at=None)
        if upload.weighed < upload.last:
            _ring("weigh_import", upload)


def sweep() -> None:
    """Find what the bell missed, and drop what nobody came back to."""
    now = timezone.now()
    work = {
        ImportStatus.UPLOADED: "check_import",
        ImportStatus.QUEUED: "carry_out_import",
        ImportStatus.DONE: "weigh_import",
    }
    unfinished = Import.objects.exclude(status=ImportStatus.DONE, weighed__gte=F("last"))
    for upload in unfinished.filter(_is_free(now), status__in=work).defer("content", "found"):
        _ring(work[ImportStatus(upload.status)], upload)
    drop_abandoned()


def drop_abandoned() -> int:
    """Keep nothing of tables that wait after a day, or after the last day of their campaign's contacts; how many.

    Also of one that no worker got through: its contacts are not kept longer for that.
    """
    now = timezone.now()
    over = Q(letter__campaign__contacts_until__lt=now.date())
    waiting = Import.objects.filter(status__in=(ImportStatus.UPLOADED, ImportStatus.CHECKED)).defer("content", "found")
    dropped = 0
    for upload in waiting.filter(Q(made_at__lt=now - KEPT) | over):
        with suppress(Overtaken):  # it was checked, begun or dropped at this moment
            drop(upload, by=None)
            dropped += 1
    return dropped


def _make(upload: Import, packed: list[str]) -> None:
    # First, so that of two that begin at the same time the second finds that it is done.
    move(upload, ImportStatus.DONE, by=upload.made_by, content="", done_at=timezone.now(), taken_at=None)
    seen, maker = Seen(upload.letter), Maker(upload, timezone.now())
    for rows in map(unpacked_rows, packed):
        maker.make(seen.new(rows))
    found: Any = asdict(replace(survey_of(upload), states=dict(maker.states)))  # some may have signed meanwhile
    upload.found, upload.weighed, upload.last = found, maker.after, maker.last
    upload.save(update_fields=["found", "weighed", "last"])
    if upload.last:
        _ring("weigh_import", upload)
        touch(upload.letter, *SHOWN_IN)


def _weigh_some(upload: Import) -> None:
    made = upload.letter.signatures.filter(via=Signature.Via.IMPORT, pk__gt=upload.weighed, pk__lte=upload.last)
    some = list(made.filter(status__in=WEIGHED).select_related("organisation").order_by("pk")[:WEIGHED_AT_ONCE])
    with transaction.atomic():
        for signature in some:
            if signature.organisation and not signature.organisation.name_keys.exists():
                write_name_keys(signature.organisation)
            assess(signature)
        upload.weighed = some[-1].pk if len(some) == WEIGHED_AT_ONCE else upload.last
        Import.objects.filter(pk=upload.pk).update(weighed=upload.weighed)


def _take(upload: Import, status: str) -> bool:
    """Whether it is in `status` still, and the caller is the one who works on it now."""
    now = timezone.now()
    free = Import.objects.filter(_is_free(now), pk=upload.pk, status=status)
    return free.update(taken_at=now) == 1


def _is_free(now: datetime) -> Q:
    return Q(taken_at=None) | Q(taken_at__lt=now - LEASE)


def _ring(name: str, upload: Import) -> None:
    from signatories import tasks

    task: Task = getattr(tasks, name)
    ring(task, upload.pk)


def _language_of(upload: Import) -> Any:
    """That of whoever reads what was found."""
    return translation.override((upload.made_by and upload.made_by.language) or settings.LANGUAGE_CODE)


def _of_all(message: str) -> Problem:
    return Problem(0, "", message)
