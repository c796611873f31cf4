"""Rows in and out of SQL written by hand: for a path on which putting a query together costs more than asking it."""

from collections.abc import Collection, Mapping, Sequence
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
        return self._insert(1)

    @cached_property
    def key(self) -> str:
        """What stands after RETURNING for the key alone."""
        return connection.ops.quote_name(str(self.model._meta.pk.column))

    def values(self, row: Row) -> list[Any]:
        """What `insert` takes. Raises `ValueError` where `row` points to one that was never saved."""
        row._prepare_related_fields_for_save(operation_name="insert")  # type: ignore[attr-defined]
        return [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in self._given]

    def insert_like(self, row: Row, differing: Sequence[Mapping[str, Any]]) -> list[int]:
        """Insert many that are like `row` but for some attributes each, which are all that is prepared for each.

        Their keys, in the order of `differing`.
        """
        common = self.values(row)
        at_once = max(1, connection.ops.bulk_batch_size(self._given, differing))
        keys: list[int] = []
        with connection.cursor() as cursor:
            for start in range(0, len(differing), at_once):
                some = differing[start : start + at_once]
                values = [value for differs in some for value in self._with(common, differs)]
                cursor.execute(f"{self._insert(len(some))} RETURNING {self.key}", values)
                keys += sorted(key for (key,) in cursor.fetchall())  # given in order, told in any
        return keys

    def _with(self, common: list[Any], differs: Mapping[str, Any]) -> list[Any]:
        values = common.copy()
        for name, value in differs.items():
            place, field = self._places[name]
            values[place] = field.get_db_prep_save(value, connection)
        return values

    def _insert(self, count: int) -> str:
        quote, given = connection.ops.quote_name, self._given
        names = ", ".join(quote(str(field.column)) for field in given)
        marks = ", ".join([f"({', '.join(['%s'] * len(given))})"] * count)
        return f"INSERT INTO {quote(self.model._meta.db_table)} ({names}) VALUES {marks}"  # noqa: S608 - names of ours

    @cached_property
    def _places(self) -> "dict[str, tuple[int, models.Field[Any, Any]]]":
        return {field.attname: (place, field) for place, field in enumerate(self._given)}

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
