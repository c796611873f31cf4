"""A statement becomes the row of its mailbox and name: in the same steps whether there is one, and in which state."""

from collections.abc import Iterable

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models.sql import InsertQuery

from signatories.models import Signature, SignatureQuerySet
from signatories.states import SignatureStatus

# Without the manager that translates names: nothing here depends on a language.
ROWS = SignatureQuerySet(Signature)


def state(stated: Signature, columns: Iterable[str]) -> Signature:
    """The row as it stands now, locked: `stated` where it is new, or was unconfirmed; else what stood there.

    `columns` are those that a later statement replaces. Two statements in any case, in the caller's transaction.
    """
    _put_in(stated, frozenset(columns))
    who = {"mailbox": stated.mailbox, "folded_name": stated.folded_name}
    return ROWS.standing_for(stated.letter, **who).select_for_update().get()


def _put_in(stated: Signature, columns: frozenset[str]) -> None:
    """`INSERT … ON CONFLICT DO UPDATE`, by the constraint `signature_is_one_row`: Django can't name its condition."""
    fields = {str(field.column): field for field in Signature._meta.local_concrete_fields if not field.primary_key}
    query = InsertQuery(Signature)
    query.insert_values(fields.values(), [stated])
    [(insert, values)] = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    quote = connection.ops.quote_name
    table, status, mailbox = map(quote, (Signature._meta.db_table, "status", "mailbox"))
    one_row = ", ".join(map(quote, ("letter_id", "mailbox", "folded_name")))
    replaced = [quote(column) for column, field in fields.items() if field.name in columns]
    anew = ", ".join(f"{column} = EXCLUDED.{column}" for column in replaced)
    statement = (
        f"{insert} ON CONFLICT ({one_row}) WHERE NOT ({status} = 'withdrawn') AND NOT ({mailbox} = '')"
        f" DO UPDATE SET {anew} WHERE {table}.{status} = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, (*values, SignatureStatus.UNCONFIRMED.value))
