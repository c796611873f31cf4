"""The one door through which a state changes."""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connection, models, transaction
from django.utils import timezone

from ledger.models import Event, Stateful
from ledger.prepared import update_where
from ledger.rows import Rows

if TYPE_CHECKING:
    from accounts.models import User


class IllegalMove(Exception):
    """The table of the row's machine knows no such move."""


class Overtaken(Exception):
    """Somebody else moved the row first; nothing was changed."""


def move(
    row: Stateful, to: str, /, *, by: "User | None", only_if: dict[str, Any] | None = None, **changes: Any
) -> None:
    """Move `row` from the state that the caller saw to `to`, and set `changes` with it.

    A conditional UPDATE and its event in one transaction: of two callers one wins and the other gets `Overtaken`.
    `only_if` adds conditions on the row's own columns (a lease, an attempt number). `by` is None for the signer or the
    machine.
    """
    source = row.status
    if not row.machine.allows(source, to):
        raise IllegalMove(f"{row._meta.label}: {source} → {to}")
    as_seen = {"pk": row.pk, "status": source, **(only_if or {})}
    with transaction.atomic(savepoint=False):  # nothing is changed where somebody was first
        is_ours = update_where(type(row), as_seen, {"status": to, **changes}) == 1
        if is_ours:
            _write_down(row, to, source=source, by=by)
    if not is_ours:
        raise Overtaken(f"{row._meta.label} {row.pk} is no longer {source}")
    for name, value in {"status": to, **changes}.items():
        setattr(row, name, value)


def insert_if_absent(row: models.Model) -> bool:
    """Insert `row` unless a unique constraint knows one like it; whether it was. One statement in either case.

    Django's `get_or_create` asks first and needs a savepoint, its `bulk_create` doesn't say what became of a row.
    """
    rows = _rows(type(row))
    with connection.cursor() as cursor:
        cursor.execute(f"{rows.insert} ON CONFLICT DO NOTHING RETURNING {rows.key}", rows.values(row))
        inserted = cursor.fetchone()
    if inserted is None:
        return False
    row.pk, row._state.adding, row._state.db = inserted[0], False, DEFAULT_DB_ALIAS
    return True


@cache
def _rows(model: type[models.Model]) -> Rows[models.Model]:
    return Rows(model)


def record(row: Stateful, *, by: "User | None") -> None:
    """Write down that `row` came into being in the state it has."""
    _write_down(row, row.status, by=by)


def record_once(row: Stateful, *, by: "User | None") -> None:
    """The same for a row that may have been here before: written down unless it was. One statement in either case."""
    columns = ("table", "row", "source", "target", "by_id", "at")
    table, *names = map(connection.ops.quote_name, (Event._meta.db_table, *columns))
    label = row._meta.label_lower
    statement = (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT %s, %s, '', %s, %s, %s"  # noqa: S608 - names of ours
        f" WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {names[0]} = %s AND {names[1]} = %s)"
    )
    with connection.cursor() as cursor:
        at = connection.ops.adapt_datetimefield_value(timezone.now())
        cursor.execute(statement, [label, row.pk, row.status, by.pk if by else None, at, label, row.pk])


def record_all(model: type[Stateful], states: Iterable[tuple[int, str]], *, by: "User | None") -> None:
    """Write down that many rows of one table came into being: of each its key, and the state it has."""
    pattern = Event(table=model._meta.label_lower, by=by)
    _rows(Event).insert_like(pattern, [{"row": key, "target": state} for key, state in states])


def witness(row: models.Model, what: str, *, by: "User | None") -> None:
    """Write down that something was done with `row` that is no change of its state: merged, exported, assigned.

    `what` is one of our own words, at most 20 characters; never anything that somebody typed.
    """
    _write_down(row, what, by=by)


def insert(row: models.Model) -> None:
    """Insert `row`, whose key nobody asks for: without what Django asks and tells of each row that it saves."""
    rows = _rows(type(row))
    with connection.cursor() as cursor:
        cursor.execute(rows.insert, rows.values(row))


def _write_down(row: models.Model, target: str, *, source: str = "", by: "User | None") -> None:
    insert(Event(table=row._meta.label_lower, row=row.pk, source=source, target=target, by=by))
