"""Rows in and out of SQL written by hand: for a path on which putting a query together costs more than asking it."""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models

Row = TypeVar("Row", bound=models.Model)


class Rows(Generic[Row]):
    """Reads rows of `model`: all its columns `but` some, which are fetched if somebody looks at them."""

    def __init__(self, model: type[Row], *, but: Collection[str] = ()) -> None:
        self.model = model
        self.fields = [field for field in model._meta.concrete_fields if field.name not in but]

    def __len__(self) -> int:
        return len(self.fields)

    @cached_property
    def columns(self) -> str:
        """What stands after SELECT or RETURNING."""
        quote, table = connection.ops.quote_name, self.model._meta.db_table
        return ", ".join(f"{quote(table)}.{quote(str(field.column))}" for field in self.fields)

    @cached_property
    def insert(self) -> str:
        """A statement that takes `values`; its key is the database's to give."""
        quote, given = connection.ops.quote_name, self._given
        names = ", ".join(quote(str(field.column)) for field in given)
        marks = ", ".join(["%s"] * len(given))
        return f"INSERT INTO {quote(self.model._meta.db_table)} ({names}) VALUES ({marks})"  # noqa: S608 - names of ours

    def values(self, row: Row) -> list[Any]:
        """What `insert` takes. Raises `ValueError` where `row` points to one that was never saved."""
        row._prepare_related_fields_for_save(operation_name="insert")  # type: ignore[attr-defined]
        return [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in self._given]

    @cached_property
    def _given(self) -> "list[models.Field[Any, Any]]":
        return [field for field in self.fields if not field.primary_key]

    def read(self, found: Sequence[Any]) -> Row:
        """The row that a database gave back for `columns`."""
        values = list(found)
        for place, (converters, column) in self._converters.items():
            for convert in converters:
                values[place] = convert(values[place], column, connection)
        return self.model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in self.fields], values)

    @cached_property
    def _converters(self) -> Any:
        compiler = models.QuerySet(self.model).query.get_compiler(DEFAULT_DB_ALIAS)
        return compiler.get_converters([field.get_col(self.model._meta.db_table) for field in self.fields])
