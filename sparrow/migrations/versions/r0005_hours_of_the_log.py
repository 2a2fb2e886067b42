"""An index for the photos of a model version by their time, and their sums by the hour.

The database itself keeps the sums by triggers: whoever writes or deletes a photo, of whatever
release, keeps them right. On PostgreSQL an hour has several rows, chosen by the connection, so that
services that write at the same time do not wait for one another.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = ("model_name", "model_version", "hour", "part")
# Column -> what a row adds to it. A photo that cannot be counted has no number but itself.
OF_A_PHOTO = {
    "photos": "1",
    "errors": "CASE WHEN {row}.error IS NULL THEN 0 ELSE 1 END",
    "empty": "CASE WHEN {row}.error IS NULL AND {row}.n_detections = 0 THEN 1 ELSE 0 END",
    "detections": "CASE WHEN {row}.error IS NULL THEN {row}.n_detections ELSE 0 END",
    "measured": "CASE WHEN {row}.brightness IS NULL THEN 0 ELSE 1 END",
    "latency_ms": "CASE WHEN {row}.error IS NULL THEN {row}.latency_ms ELSE 0 END",
    "brightness": "coalesce({row}.brightness, 0)",
    "contrast": "coalesce({row}.contrast, 0)",
    "sharpness": "coalesce({row}.sharpness, 0)",
    "saturation": "coalesce({row}.saturation, 0)",
}
OF_A_BOX = {"boxes": "1", "score": "{row}.score"}
WHOLE = ("photos", "errors", "empty", "detections", "measured", "boxes")
HOUR = {
    "sqlite": "substr({photo}.time, 1, 13) || ':00:00.000000'",
    "postgresql": "date_trunc('hour', {photo}.time)",
}
PART = {"sqlite": "0", "postgresql": "mod(pg_backend_pid(), 16)"}
EVENTS = {"INSERT": ("NEW", 1), "DELETE": ("OLD", -1)}


def upgrade() -> None:
    """Add both, sum up what is there, and keep the sums from now on."""
    connection = op.get_bind()
    dialect = connection.dialect.name
    columns = ["model_name", "model_version", "time"]
    op.create_index("predictions_model_time", "predictions", columns)
    op.create_table(
        "prediction_hours",
        sa.Column("model_name", sa.Text, primary_key=True),
        sa.Column("model_version", sa.Text, primary_key=True),
        sa.Column("hour", sa.DateTime, primary_key=True),
        sa.Column("part", sa.SmallInteger, primary_key=True, autoincrement=False),
        *(_number(name) for name in (*OF_A_PHOTO, *OF_A_BOX)),
    )
    there = {
        "predictions p": {name: f"sum({value})" for name, value in OF_A_PHOTO.items()},
        "boxes b JOIN predictions p ON p.id = b.prediction_id": {
            name: f"sum({value})" for name, value in OF_A_BOX.items()
        },
    }
    for source, numbers in there.items():
        key = _key("p", HOUR[dialect], "0")
        group = f"FROM {source} WHERE true GROUP BY 1, 2, 3"
        connection.exec_driver_sql(_add(key, numbers, source[0], group))
    for event, (row, sign) in EVENTS.items():
        key = _key(row, HOUR[dialect], PART[dialect])
        _follow(event, "predictions", _add(key, _signed(OF_A_PHOTO, sign), row, "WHERE true"))
        key = _key("p", HOUR[dialect], PART[dialect])
        source = f"FROM predictions p WHERE p.id = {row}.prediction_id"
        _follow(event, "boxes", _add(key, _signed(OF_A_BOX, sign), row, source))


def _number(name: str) -> sa.Column[int] | sa.Column[float]:
    if name in WHOLE:
        return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
    return sa.Column(name, sa.Double, nullable=False, server_default="0")


def _key(photo: str, hour: str, part: str) -> str:
    """Values of the columns ``KEY`` for a photo."""
    return f"{photo}.model_name, {photo}.model_version, {hour.format(photo=photo)}, {part}"


def _signed(numbers: Mapping[str, str], sign: int) -> dict[str, str]:
    return {name: f"{sign} * ({value})" for name, value in numbers.items()}


def _add(key: str, numbers: Mapping[str, str], row: str, source: str) -> str:
    """A statement that adds numbers to rows of the table, and makes those that are not there."""
    values = ", ".join(value.format(row=row) for value in numbers.values())
    more = ", ".join(f"{name} = prediction_hours.{name} + excluded.{name}" for name in numbers)
    # Names and expressions of this module.
    return (
        f"INSERT INTO prediction_hours ({', '.join((*KEY, *numbers))}) "
        f"SELECT {key}, {values} {source} ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {more}"
    )


def _follow(event: str, table: str, statement: str) -> None:
    """Have the database run the statement after each row that is inserted or deleted."""
    connection, name = op.get_bind(), f"{table}_hours_{event.lower()}"
    begin = f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW"
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"{begin} BEGIN {statement}; END")
        return
    connection.exec_driver_sql(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {statement}; RETURN NULL; END $$"
    )
    connection.exec_driver_sql(f"{begin} EXECUTE FUNCTION {name}()")
