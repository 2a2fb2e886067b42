"""The prediction log: a row a photo, zero detections included; boxes and class counts beside it.

SQLite in WAL mode by default, PostgreSQL by URL; several processes may append at once. The
service's background writer is ``sparrow.predictions.writer``; one window of the log, and the model
folder's ``reference.parquet`` in the same schema, is a ``sparrow.predictions.window.Window``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, insert, inspect, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from sparrow.database import LOCK_WAIT_S, open_database, sqlite_path, upgrade
from sparrow.database_errors import StoreError, reason
from sparrow.predictions.log_file import OpenFile
from sparrow.predictions.log_tables import (
    boxes_table,
    class_counts_table,
    feedback_table,
    hours_table,
    photos_table,
    tiled_table,
)
from sparrow.predictions.photo_filter import ALL_PHOTOS, PhotoFilter
from sparrow.predictions.record import PredictionRecord, naive_utc, new_id
from sparrow.predictions.summary import as_summary, mean_score, model_versions, photo_numbers

logger = logging.getLogger("sparrow.predictions.log")


class UnknownPredictionError(ValueError):
    """Feedback on a prediction that the log does not hold."""


class LogAwayError(RuntimeError):
    """The log can take nothing now: unreachable, locked, full, read-only. It may come back."""


class PredictionLog:
    """Append to and read from one log. Safe for several threads and processes.

    Attributes:
        url: as it was given.
        replaced: how often its SQLite file was removed or replaced, and was made anew.
    """

    def __init__(
        self, url: str, *, read_only: bool = False, lock_wait_s: float = LOCK_WAIT_S
    ) -> None:
        """Open the log, making its tables (and the folder of an SQLite file) where missing.

        Args:
            url: SQLAlchemy URL, such as ``sqlite:///.sparrow/predictions.db``.
            read_only: make and change nothing.
            lock_wait_s: how long SQLite waits for another process's lock; ``?timeout=`` in the URL
                comes first.

        Raises:
            StoreError: the log was made by a newer release.
            SQLAlchemyError: it cannot be reached, read or written.
        """
        self.url, self.replaced = url, 0
        self._read_only, self._lock_wait_s = read_only, lock_wait_s
        self._reopening = threading.Lock()
        self._engine = self._open()
        path = None if read_only else sqlite_path(url)
        self._file = OpenFile(path) if path is not None else None

    def close(self) -> None:
        """Close all connections."""
        if self._file is not None:
            self._file.close()
        self._engine.dispose()  # the last one: only it can merge SQLite's file beside the database

    def append(self, records: Sequence[PredictionRecord]) -> None:
        """Write records and their boxes in one transaction: all of them or none.

        Raises:
            SQLAlchemyError: nothing was written, or the connection was lost over the answer.
        """
        if not records:
            return
        self.check_file()
        self._insert(records)
        if self.check_file():  # they went into a file that was removed meanwhile
            self.append_missing(records)

    def append_missing(self, records: Sequence[PredictionRecord]) -> None:
        """Like ``append``, but records that the log holds already are left out."""
        self.check_file()
        by_id = {record.id: record for record in records}
        known = select(photos_table.c.id).where(photos_table.c.id.in_(by_id))
        there = {row["id"] for row in self.rows(known)}
        missing = [record for name, record in by_id.items() if name not in there]
        if missing:
            self._insert(missing)

    def check_file(self) -> bool:
        """Whether the SQLite file was removed or replaced; then it has been opened or made anew.

        Raises:
            SQLAlchemyError: the file that is there now cannot be used.
        """
        file = self._file
        if file is None or not file.changed():
            return False
        with self._reopening:
            if file is self._file:
                self._reopen(file)
        return True

    def check_connection(self) -> None:
        """Check that the log can be reached, and make its tables where a new database lacks them.

        Raises:
            SQLAlchemyError: it cannot be reached.
        """
        if not self.check_file() and self._file is None:
            upgrade(self._engine)

    def add_feedback(
        self, prediction_id: str, true_count: int | None = None, wrong: bool = False
    ) -> None:
        """Store what a person says about a prediction.

        Args:
            prediction_id: ``PredictionRecord.id``.
            true_count: how many there really are, 0 and up; None with ``wrong`` alone.
            wrong: the person says that the answer is wrong.

        Raises:
            UnknownPredictionError: there is no such prediction.
            LogAwayError: the log can take nothing now; the feedback is not stored.
        """
        row = {
            "id": new_id(),
            "prediction_id": prediction_id,
            "time": naive_utc(datetime.now(UTC)),
            "true_count": true_count,
            "wrong": wrong,
        }
        try:
            self.check_file()
            self._insert_feedback(row)
            moved = self.check_file()
        except (SQLAlchemyError, StoreError, OSError) as error:
            raise LogAwayError(f"the prediction log cannot be written: {reason(error)}") from error
        if moved:
            raise LogAwayError("the prediction log was replaced while the feedback was stored")

    def _insert_feedback(self, row: dict[str, Any]) -> None:
        prediction_id = row["prediction_id"]
        with self._transaction() as connection:
            known = select(photos_table.c.id).where(photos_table.c.id == prediction_id)
            if connection.execute(known).first() is None:
                raise UnknownPredictionError(
                    f"there is no prediction {prediction_id!r} in the log; expected the "
                    "prediction_id of an answer of this service"
                )
            connection.execute(insert(feedback_table), row)

    def _insert(self, records: Sequence[PredictionRecord]) -> None:
        children = {
            boxes_table: [row for record in records for row in record.box_rows()],
            class_counts_table: [row for record in records for row in record.class_count_rows()],
            tiled_table: [row for record in records for row in record.tile_rows()],
        }
        with self._transaction() as connection:
            # In one order everywhere: writers that add to the same hours never wait in a circle.
            rows = sorted((record.row() for record in records), key=_hour_key)
            connection.execute(insert(photos_table), rows)
            for table, rows in children.items():
                if rows:
                    connection.execute(insert(table), rows)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A transaction; where the database fails it, all connections are made anew.

        SQLite opens a file that cannot be written for reading, and such a connection would go on
        refusing to write when the file can be written again.
        """
        engine = self._engine
        try:
            with engine.begin() as connection:
                yield connection
        except OperationalError:
            engine.dispose()
            raise

    def _open(self) -> Engine:
        return open_database(self.url, read_only=self._read_only, lock_wait_s=self._lock_wait_s)

    def _reopen(self, file: OpenFile) -> None:
        event = file.event()
        rescued = file.rescue()
        self._engine.dispose()
        self._engine = self._open()
        self._file = OpenFile(file.path)
        file.close()
        self.replaced += 1
        logger.error(
            "the prediction log %s was %s while it was in use; %s",
            file.path,
            event,
            file.what_became(rescued),
        )

    def has(self, table: Table) -> bool:
        """Whether the log has a table."""
        with self._engine.connect() as connection:
            return inspect(connection).has_table(table.name)

    def rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        """Rows of a query over the tables of this module, as mappings."""
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def summary(self, chosen: PhotoFilter = ALL_PHOTOS) -> dict[str, Any]:
        """Aggregates over a part of the log, computed by the database.

        Returns:
            ``photos``, ``errors``, ``empty`` (readable photos without a detection),
            ``detections``, ``minimums`` (photos whose count is a minimum: the sum and the mean
            of the counts are minimums too), ``mean_count``, ``mean_score``, ``mean_latency_ms``,
            ``first_time``, ``last_time`` (aware, UTC). Means are over photos that were counted,
            None over nothing.
        """
        clauses = chosen.clauses()
        return as_summary(self.rows(photo_numbers(clauses))[0] | self.rows(mean_score(clauses))[0])

    def model_versions(self) -> list[dict[str, Any]]:
        """``model_name``, ``model_version``, ``photos``, ``last_time`` of each, newest first."""
        rows = self.rows(model_versions(by_hours=self.has(hours_table)))
        return [
            {**row, "photos": int(row["photos"]), "last_time": row["last_time"].replace(tzinfo=UTC)}
            for row in rows
        ]


def _hour_key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["model_name"], row["model_version"], row["time"]
