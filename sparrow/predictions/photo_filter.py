"""A selection from a prediction log: by model, source and time, or a random part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any  # of columns whatever their type, and of options of SQLAlchemy's own

from sqlalchemy import ColumnElement, Table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from sparrow.predictions.log_tables import photos_table
from sparrow.predictions.record import naive_utc


@dataclass(frozen=True)
class PhotoFilter:
    """Photos that fit every field that is not None.

    Attributes:
        model_name: of the model that counted them.
        model_version: of the same.
        source: api, page, cli or reference.
        since: aware; included.
        until: aware; not included.
        fraction: 0..1, so many of them at random, the same ones each time.
        is_sparse: the database looks for the fraction first, and among it for the rest: where that
            is less to read than all photos that fit otherwise. SQLite cannot tell by itself.
    """

    model_name: str | None = None
    model_version: str | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    fraction: float | None = None
    is_sparse: bool = False

    def clauses(
        self, table: Table = photos_table, time: ColumnElement[Any] = photos_table.c.time
    ) -> list[ColumnElement[bool]]:
        """WHERE clauses over a table with these columns, and the column of its time."""
        wanted = {"model_name": self.model_name, "model_version": self.model_version,
                  "source": self.source}  # fmt: skip
        equal = {name: value for name, value in wanted.items() if value is not None}
        through = _without_index if self.is_sparse else _as_it_is
        clauses = [through(table.c[name]) == value for name, value in equal.items()]
        if self.since is not None:
            clauses.append(through(time) >= naive_utc(self.since))
        if self.until is not None:
            clauses.append(through(time) < naive_utc(self.until))
        if self.fraction is not None and self.fraction < 1:
            # ids are uniform hex digits
            clauses.append(table.c.id < f"{int(self.fraction * 16**8):08x}")
        return clauses

    def newest_first(self) -> ColumnElement[Any]:
        """The order of a query over ``photos_table``: an index has it, so nothing is sorted."""
        time: ColumnElement[Any] = photos_table.c.time
        if self.is_sparse:  # else SQLite goes through all by time, and needs not sort the few
            time = _WithoutIndex(time)
        return time.desc()


class _WithoutIndex(ColumnElement[Any]):
    """A column that SQLite is told not to look up by an index; other databases know themselves."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.column, self.type = column, column.type


@compiles(_WithoutIndex)
def _plain(element: _WithoutIndex, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.column, **options)


@compiles(_WithoutIndex, "sqlite")
def _with_plus(element: _WithoutIndex, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.column, **options)}"  # SQLite's own word for it


def _without_index(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return _WithoutIndex(column)


def _as_it_is(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column


ALL_PHOTOS = PhotoFilter()
