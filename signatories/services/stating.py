"""A statement becomes the row of its mailbox and name: in one step, whether there is one, and in whatever state."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models.sql import InsertQuery

from signatories.models import Signature, SignatureQuerySet
from signatories.states import SignatureStatus

BETWEEN_LINKS = timedelta(minutes=10)
# Without the manager that translates names: nothing here depends on a language.
ROWS = SignatureQuerySet(Signature)
# What the mail that follows stands on, in the order of the model; the rest is read when it is asked for.
READ = [
    field
    for field in Signature._meta.concrete_fields
    if field.name
    in ("id", "status", "visibility", "email", "mailbox", "language", "signed_at", "link_generation", "link_mailed_at")
]


def state(stated: Signature, columns: Iterable[str]) -> Signature:
    """The row as it stands now, locked: `stated` where it is new, or was unconfirmed; else what stood there.

    `columns` are those that a later statement replaces. So is `link_mailed_at`, unless a link was mailed within
    `BETWEEN_LINKS`: whoever finds the own moment there may mail one. One statement of SQL, for a transaction.
    """
    fields = {str(field.column): field for field in Signature._meta.local_concrete_fields if not field.primary_key}
    query = InsertQuery(Signature)
    query.insert_values(fields.values(), [stated])
    [(insert, values)] = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    replaced = frozenset(columns)
    anew = [column for column, field in fields.items() if field.name in replaced]
    with connection.cursor() as cursor:
        lately = connection.ops.adapt_datetimefield_value(stated.signed_at - BETWEEN_LINKS)
        cursor.execute(f"{insert} {_on_conflict(anew)}", (*values, lately))
        row = _read(cursor.fetchone())
    row.letter = stated.letter
    return row


def _on_conflict(columns: list[str]) -> str:
    """By the constraint `signature_is_one_row`, whose condition Django can't name. Any row is touched, to be locked."""
    quote = connection.ops.quote_name
    table, status, mailbox = map(quote, (Signature._meta.db_table, "status", "mailbox"))
    one_row = ", ".join(map(quote, ("letter_id", "mailbox", "folded_name")))
    waits = f"{table}.{status} = '{SignatureStatus.UNCONFIRMED.value}'"
    choice = "{0} = CASE WHEN {1} THEN EXCLUDED.{0} ELSE {2}.{0} END"
    anew = ", ".join(choice.format(column, waits, table) for column in map(quote, columns))
    mailed = quote("link_mailed_at")
    anew += f", {mailed} = CASE WHEN {table}.{mailed} > %s THEN {table}.{mailed} ELSE EXCLUDED.{mailed} END"
    read = ", ".join(f"{table}.{quote(str(field.column))}" for field in READ)
    condition = f"NOT ({status} = '{SignatureStatus.WITHDRAWN.value}') AND NOT ({mailbox} = '')"
    return f"ON CONFLICT ({one_row}) WHERE {condition} DO UPDATE SET {anew} RETURNING {read}"


def _read(found: tuple[object, ...]) -> Signature:
    """What the database gave back for `READ`, as Django reads it."""
    compiler = ROWS.query.get_compiler(DEFAULT_DB_ALIAS)
    converters = compiler.get_converters([field.get_col(Signature._meta.db_table) for field in READ])
    [values] = compiler.apply_converters([found], converters)
    return Signature.from_db(DEFAULT_DB_ALIAS, [str(field.attname) for field in READ], values)
