"""A statement becomes the row of its mailbox and name: in one step, whether there is one, and in whatever state."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache

from django.db import connection

from ledger.rows import Rows
from signatories.models import Signature
from signatories.states import SignatureStatus

BETWEEN_LINKS = timedelta(minutes=10)
ROWS = Rows(Signature)  # with all columns: one that is read later would tell one state from another


def stating(stated: Signature, columns: Iterable[str]) -> Callable[[], Signature]:
    """What states it, put together before anything is locked. It is one statement of SQL, for a transaction.

    It gives the row as it stands then, locked: `stated` where it is new, or was unconfirmed; else what stood there.
    `columns` are those that a later statement replaces. So is `link_mailed_at`, unless a link was mailed within
    `BETWEEN_LINKS`: whoever finds the own moment there may mail one.
    """
    replaced = frozenset(columns)
    anew = tuple(str(field.column) for field in Signature._meta.local_concrete_fields if field.name in replaced)
    lately = connection.ops.adapt_datetimefield_value(stated.signed_at - BETWEEN_LINKS)
    statement, values = f"{ROWS.insert} {_on_conflict(anew)}", (*ROWS.values(stated), lately)

    def state() -> Signature:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            row = ROWS.read(cursor.fetchone())
        row.letter = stated.letter
        return row

    return state


@cache
def _on_conflict(columns: tuple[str, ...]) -> str:
    """By the constraint `signature_is_one_row`, whose condition Django can't name. Any row is touched, to be locked."""
    quote = connection.ops.quote_name
    table, status, mailbox = map(quote, (Signature._meta.db_table, "status", "mailbox"))
    one_row = ", ".join(map(quote, ("letter_id", "mailbox", "folded_name")))
    waits = f"{table}.{status} = '{SignatureStatus.UNCONFIRMED.value}'"
    choice = "{0} = CASE WHEN {1} THEN EXCLUDED.{0} ELSE {2}.{0} END"
    anew = ", ".join(choice.format(column, waits, table) for column in map(quote, columns))
    mailed = quote("link_mailed_at")
    anew += f", {mailed} = CASE WHEN {table}.{mailed} > %s THEN {table}.{mailed} ELSE EXCLUDED.{mailed} END"
    condition = f"NOT ({status} = '{SignatureStatus.WITHDRAWN.value}') AND NOT ({mailbox} = '')"
    return f"ON CONFLICT ({one_row}) WHERE {condition} DO UPDATE SET {anew} RETURNING {ROWS.columns}"
