"""Statements whose SQL is put together once: for a path on which that takes longer than the database does."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.subqueries import UpdateQuery

Row = TypeVar("Row")


class Given(Expression):
    """Stands in a queryset for a value that is given each time it is asked."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        return "%s", [self]


class Prepared(Generic[Row]):
    """A queryset, `made` when it is asked for the first time; what depends on the moment is `Given`.

    Rows come with what `select_related` names, and nothing that is annotated or prefetched; values come as tuples.
    """

    def __init__(self, made: "Callable[[], models.QuerySet[Any, Row]]") -> None:
        self._made = made

    def all(self, **given: Any) -> list[Row]:
        compiler, statement, stands = self._statement
        read: Callable[[Any], Any] = self._as_row if self._is_of_rows else tuple
        values = [_adapted(given[value.name]) if isinstance(value, Given) else value for value in stands]
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            found = cursor.fetchall()
        return [read(values) for values in compiler.results_iter(results=[found])]

    def first(self, **given: Any) -> Row | None:
        return next(iter(self.all(**given)), None)

    def exists(self, **given: Any) -> bool:
        return bool(self.all(**given))

    @cached_property
    def _queryset(self) -> "models.QuerySet[Any, Row]":
        return self._made()

    @cached_property
    def _is_of_rows(self) -> bool:
        return issubclass(self._queryset._iterable_class, ModelIterable)

    @cached_property
    def _statement(self) -> tuple[SQLCompiler, str, tuple[Any, ...]]:
        compiler = self._queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        return (compiler, *compiler.as_sql())

    def _as_row(self, values: Any) -> Any:
        """As Django's own `ModelIterable` makes one."""
        model, columns, populators = self._shape
        row = model.from_db(DEFAULT_DB_ALIAS, columns, values[: len(columns)])
        for populator in populators:
            populator.populate(values, row)
        return row

    @cached_property
    def _shape(self) -> tuple[type[models.Model], list[str], list[Any]]:
        """The model whose columns come first, their names, and what reads the related ones after them."""
        compiler = self._statement[0]
        info: dict[str, Any] = compiler.klass_info
        columns = [compiler.select[place][0].target.attname for place in info["select_fields"]]
        populators = get_related_populators(info, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]  # Django 6
        return info["model"], columns, populators


def update_where(model: type[models.Model], conditions: dict[str, Any], changes: dict[str, Any]) -> int:
    """Set `changes` in the rows of `model` that meet `conditions` on their own columns; how many these were.

    It is put together once for each set of names. A subquery among the conditions has to be the same object each time.
    A name is a column's, and not what modeltranslation makes of it in the active language.
    Raises `ValueError` for a condition that reaches into another table: PostgreSQL would not look again at a row of
    this one that it had to wait for. And for one with several values.
    """
    if any(isinstance(value, list | tuple | set | frozenset) for value in conditions.values()):
        raise ValueError("A condition has several values")
    fixed = tuple((name, value) for name, value in conditions.items() if _is_fixed(value))
    given = tuple(name for name, value in conditions.items() if not _is_fixed(value))
    statement, stands = _update(model, tuple(changes), fixed, given)
    values = [_saved(_field(model, name), value) for name, value in changes.items()]
    met = {name: _field(model, name).get_db_prep_value(conditions[name], connection) for name in given}
    filled = [met[value.name] if isinstance(value, Given) else value for value in stands[len(values) :]]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, *filled])
        return int(cursor.rowcount)


@lru_cache(maxsize=500)
def _update(
    model: type[models.Model], columns: tuple[str, ...], fixed: tuple[tuple[str, Any], ...], given: tuple[str, ...]
) -> tuple[str, tuple[Any, ...]]:
    conditions = {**dict(fixed), **{name: Given(name) for name in given}}
    query: Any = models.QuerySet(model).filter(**conditions).order_by().query.chain(UpdateQuery)
    if query.count_active_tables() > 1:
        raise ValueError("A condition reaches into another table")
    query.add_update_values({name: Given(name) for name in columns})
    statement, stands = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    return statement, stands


def _is_fixed(value: Any) -> bool:
    """Whether it stands in the statement itself: SQL has words of its own for NULL."""
    return value is None or isinstance(value, models.QuerySet)


def _field(model: type[models.Model], path: str) -> Any:
    name = path.partition("__")[0]
    return model._meta.pk if name == "pk" else model._meta.get_field(name)


def _saved(field: Any, value: Any) -> Any:
    stored = value.prepare_database_save(field) if isinstance(value, models.Model) else value
    return field.get_db_prep_save(stored, connection)


def _adapted(value: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
