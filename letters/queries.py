"""What a form asks of a letter before it looks at what was posted."""

from django.db import connection

from ledger.rows import Rows
from letters.models import Letter, Version

LETTERS = Rows(Letter)
VERSIONS = Rows(Version, but=("content",))
LATEST = (
    "SELECT {columns} FROM {version} JOIN {letter} ON {letter}.id = {version}.letter_id"
    " WHERE {letter}.slug = %s ORDER BY {version}.number DESC LIMIT 1"
)


def as_it_stands(slug: str) -> Version | None:
    """The latest version with its letter, whether that is public or not; None where there is no such letter or text.

    One question, and no text read: who posts a form has read it.
    """
    columns = f"{VERSIONS.columns}, {LETTERS.columns}"
    tables = {"version": Version._meta.db_table, "letter": Letter._meta.db_table}
    with connection.cursor() as cursor:
        cursor.execute(LATEST.format(columns=columns, **tables), [slug])
        found = cursor.fetchone()
    if found is None:
        return None
    version = VERSIONS.read(found[: len(VERSIONS)])
    version.letter = LETTERS.read(found[len(VERSIONS) :])
    return version
