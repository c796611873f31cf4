"""When a commit has to be on the disk."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def carried_by_the_next() -> Iterator[None]:
    """A transaction that does not wait for the disk: the next one that does takes it along.

    A killed process loses nothing of it. Where the power fails before the next one, it may never have been: for steps
    that only count once a later one is committed.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")
            yield
    else:
        with connection.cursor() as cursor:
            before = cursor.execute("PRAGMA synchronous").fetchone()[0]
            cursor.execute("PRAGMA synchronous=NORMAL")
        try:
            with transaction.atomic():
                yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA synchronous={before}")
