"""The prediction log: one row per photo, zero detections included, its boxes in a child table.

SQLite in WAL mode by default, PostgreSQL by URL; several processes may append at once. The
service's background writer is ``sparrow.prediction_writer``; one window of the log, and the model
folder's ``reference.parquet`` in the same schema, is a ``sparrow.prediction_window.Window``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Engine,
    Select,
    case,
    create_engine,
    event,
    func,
    insert,
    make_url,
    select,
)
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.schema import CreateIndex, CreateTable

from sparrow.prediction_record import (
    PredictionRecord,
    boxes_table,
    feedback_table,
    indexes,
    metadata,
    naive_utc,
    new_id,
    photos_table,
)


class UnknownPredictionError(ValueError):
    """Feedback on a prediction that the log does not hold."""


class PredictionLog:
    """Append to and read from one log. Safe for several threads and processes."""

    def __init__(self, url: str) -> None:
        """Open the log, making its tables (and the folder of an SQLite file) where missing.

        Args:
            url: SQLAlchemy URL, such as ``sqlite:///.sparrow/predictions.db``; SQLite waits 20 s
                for another process's lock, or as long as ``?timeout=`` says.
        """
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            # Another process's batch takes milliseconds.
            parsed = parsed.update_query_dict({"timeout": parsed.query.get("timeout", "20")})
        self._engine = create_engine(parsed, pool_pre_ping=True)
        if parsed.get_backend_name() == "sqlite":
            event.listen(self._engine, "connect", _set_up_sqlite)
        _create_tables(self._engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def append(self, records: Sequence[PredictionRecord]) -> None:
        """Write records and their boxes in one transaction: all of them or none."""
        if not records:
            return
        boxes = [row for record in records for row in record.box_rows()]
        with self._engine.begin() as connection:
            connection.execute(insert(photos_table), [record.row() for record in records])
            if boxes:
                connection.execute(insert(boxes_table), boxes)

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
        """
        row = {
            "id": new_id(),
            "prediction_id": prediction_id,
            "time": naive_utc(datetime.now(UTC)),
            "true_count": true_count,
            "wrong": wrong,
        }
        with self._engine.begin() as connection:
            known = select(photos_table.c.id).where(photos_table.c.id == prediction_id)
            if connection.execute(known).first() is None:
                raise UnknownPredictionError(
                    f"there is no prediction {prediction_id!r} in the log; expected the "
                    "prediction_id of an answer of this service"
                )
            connection.execute(insert(feedback_table), row)

    def rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        """Rows of a query over the tables of this module, as mappings."""
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def summary(
        self,
        *,
        model_name: str | None = None,
        model_version: str | None = None,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> dict[str, Any]:
        """Aggregates over a part of the log, computed by the database.

        Returns:
            ``photos``, ``errors``, ``empty`` (readable photos without a detection),
            ``detections``, ``mean_count``, ``mean_score``, ``mean_latency_ms``,
            ``first_time``, ``last_time`` (aware, UTC). Means are over photos that were counted,
            None over nothing.
        """
        table = photos_table.c
        chosen = conditions(
            model_name=model_name,
            model_version=model_version,
            source=source,
            since=since,
            until=until,
        )
        readable = table.error.is_(None)
        query = select(
            func.count().label("photos"),
            func.coalesce(func.sum(case((readable, 0), else_=1)), 0).label("errors"),
            func.coalesce(
                func.sum(case((readable & (table.n_detections == 0), 1), else_=0)), 0
            ).label("empty"),
            func.coalesce(func.sum(table.n_detections), 0).label("detections"),
            func.avg(table.count).label("mean_count"),
            func.avg(case((readable, table.latency_ms))).label("mean_latency_ms"),
            func.min(table.time).label("first_time"),
            func.max(table.time).label("last_time"),
        ).where(*chosen)
        scores = (
            select(func.avg(boxes_table.c.score).label("mean_score"))
            .join(photos_table, boxes_table.c.prediction_id == table.id)
            .where(*chosen)
        )
        found = {**self.rows(query)[0], **self.rows(scores)[0]}
        for name in ("first_time", "last_time"):
            found[name] = found[name] and found[name].replace(tzinfo=UTC)
        for name in ("mean_count", "mean_latency_ms", "mean_score"):
            found[name] = None if found[name] is None else float(found[name])
        return {k: int(v) if k in _WHOLE else v for k, v in found.items()}

    def model_versions(self) -> list[dict[str, Any]]:
        """``model_name``, ``model_version``, ``photos``, ``last_time`` of each, newest first."""
        table = photos_table.c
        query = (
            select(
                table.model_name,
                table.model_version,
                func.count().label("photos"),
                func.max(table.time).label("last_time"),
            )
            .group_by(table.model_name, table.model_version)
            .order_by(func.max(table.time).desc())
        )
        return [
            {**row, "last_time": row["last_time"].replace(tzinfo=UTC)} for row in self.rows(query)
        ]


_WHOLE = ("photos", "errors", "empty", "detections")


def conditions(
    *,
    model_name: str | None = None,
    model_version: str | None = None,
    source: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    share: float | None = None,
) -> list[Any]:
    """WHERE clauses over ``photos_table``.

    ``since`` is included, ``until`` is not; ``share`` (0..1) leaves so many of the photos, at
    random, the same ones each time.
    """
    table = photos_table.c
    chosen: list[Any] = []
    if model_name is not None:
        chosen.append(table.model_name == model_name)
    if model_version is not None:
        chosen.append(table.model_version == model_version)
    if source is not None:
        chosen.append(table.source == source)
    if since is not None:
        chosen.append(table.time >= naive_utc(since))
    if until is not None:
        chosen.append(table.time < naive_utc(until))
    if share is not None and share < 1:
        chosen.append(table.id < f"{int(share * 16**8):08x}")  # ids are uniform hex digits
    return chosen


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")  # readers never wait for the writer
    cursor.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing it committed
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _create_tables(engine: Engine) -> None:
    for table in metadata.sorted_tables:
        # Two processes may start at once: PostgreSQL lets both pass IF NOT EXISTS.
        with suppress(IntegrityError, ProgrammingError), engine.begin() as connection:
            connection.execute(CreateTable(table, if_not_exists=True))
    for index in indexes:
        with suppress(IntegrityError, ProgrammingError), engine.begin() as connection:
            connection.execute(CreateIndex(index, if_not_exists=True))
