"""Numbers about a part of a prediction log, computed by its database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from sqlalchemy import ColumnElement, Label, Select, case, func, select

from sparrow.predictions.log_tables import boxes_table, hours_table, photos_table

_COUNTS = ("photos", "errors", "empty", "detections", "minimums")
_MEANS = ("mean_count", "mean_latency_ms", "mean_score")
_TIMES = ("first_time", "last_time")


def photo_numbers(chosen: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """A query for all numbers of ``as_summary`` but ``mean_score``."""
    table = photos_table.c
    readable = table.error.is_(None)
    return select(
        func.count().label("photos"),
        _number_of(~readable, "errors"),
        _number_of(readable & (table.n_detections == 0), "empty"),
        func.coalesce(func.sum(table.n_detections), 0).label("detections"),
        _number_of(table.count_low.is_not(None) & table.count_high.is_(None), "minimums"),
        func.avg(table.count).label("mean_count"),
        func.avg(case((readable, table.latency_ms))).label("mean_latency_ms"),
        func.min(table.time).label("first_time"),
        func.max(table.time).label("last_time"),
    ).where(*chosen)


def mean_score(chosen: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """A query for ``mean_score``, over all boxes of the photos."""
    return (
        select(func.avg(boxes_table.c.score).label("mean_score"))
        .join(photos_table, boxes_table.c.prediction_id == photos_table.c.id)
        .where(*chosen)
    )


def model_versions(*, by_hours: bool) -> Select[Any]:
    """A query for the models in the log, how many photos each counted and when last, newest first.

    A row is ``model_name``, ``model_version``, ``photos``, ``last_time``.

    Args:
        by_hours: read ``hours_table``, which a log of a release before lacks, and of the photos
            only the newest one of each.
    """
    table, hours = photos_table.c, hours_table.c
    if not by_hours:
        last = func.max(table.time).label("last_time")
        models = select(table.model_name, table.model_version, func.count().label("photos"), last)
        return models.group_by(table.model_name, table.model_version).order_by(last.desc())
    mine = (table.model_name == hours.model_name) & (table.model_version == hours.model_version)
    newest = select(func.max(table.time)).where(mine).correlate(hours_table)
    last = newest.scalar_subquery().label("last_time")
    photos = func.sum(hours.photos)
    return (
        select(hours.model_name, hours.model_version, photos.label("photos"), last)
        .group_by(hours.model_name, hours.model_version)
        .having(photos > 0)
        .order_by(last.desc())
    )


def as_summary(values: dict[str, Any]) -> dict[str, Any]:
    """What the two queries answer, in Python's types: counts are whole, times aware (UTC)."""
    summary = dict(values)
    for name in _COUNTS:
        summary[name] = int(summary[name])
    for name in _MEANS:
        summary[name] = None if summary[name] is None else float(summary[name])
    for name in _TIMES:
        summary[name] = summary[name] and summary[name].replace(tzinfo=UTC)
    return summary


def _number_of(which: ColumnElement[bool], name: str) -> Label[int]:
    return func.coalesce(func.sum(case((which, 1), else_=0)), 0).label(name)
