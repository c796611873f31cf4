"""Rows out of SQL written by hand: for a path on which putting a query together costs more than asking it."""

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
