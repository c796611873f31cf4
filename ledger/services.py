"""The one door through which a state changes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models, transaction

from ledger.models import Event, Stateful

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
    with transaction.atomic():
        same = type(row)._base_manager.filter(pk=row.pk, status=source, **(only_if or {}))
        if same.query.count_active_tables() > 1:  # PostgreSQL would not look again at a row that it had to wait for
            raise ValueError("`only_if` reaches into another table")
        if same.update(status=to, **changes) != 1:
            raise Overtaken(f"{row._meta.label} {row.pk} is no longer {source}")
        Event.objects.create(table=row._meta.label_lower, row=row.pk, source=source, target=to, by=by)
    for name, value in {"status": to, **changes}.items():
        setattr(row, name, value)


def record(row: Stateful, *, by: "User | None") -> None:
    """Write down that `row` came into being in the state it has."""
    Event.objects.create(table=row._meta.label_lower, row=row.pk, target=row.status, by=by)


def record_all(rows: Sequence[Stateful], *, by: "User | None") -> None:
    """The same for many rows of one table at once."""
    Event.objects.bulk_create(Event(table=row._meta.label_lower, row=row.pk, target=row.status, by=by) for row in rows)


def witness(row: models.Model, what: str, *, by: "User | None") -> None:
    """Write down that something was done with `row` that is no change of its state: merged, exported, assigned.

    `what` is one of our own words, at most 20 characters; never anything that somebody typed.
    """
    Event.objects.create(table=row._meta.label_lower, row=row.pk, target=what, by=by)
