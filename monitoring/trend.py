"""How production went over time: means at even intervals, of sums that the log's database keeps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any  # of columns, whatever their type

from sqlalchemy import UnaryExpression, asc, case, desc, func, select

from monitoring.columns import class_count_column
from monitoring.observation import CLOCKS_APART, MonitoredModel
from sparrow.predictions.hours import STATISTICS, Sums, interval_begin, narrowed, sums_by_interval
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.log_tables import boxes_table, photos_table
from sparrow.predictions.photo_filter import PhotoFilter

INTERVALS_S = (
    60,
    300,
    900,
    3600,
    3 * 3600,
    6 * 3600,
    86400,
    2 * 86400,
    7 * 86400,
    28 * 86400,
    364 * 86400,
)
MAX_POINTS = 60
MAX_SAMPLED = 100_000  # photos whose classes are read; of more, an even sample gives the means


@dataclass(frozen=True)
class TrendPoint:
    """One interval of time.

    Attributes:
        begin: aware, UTC.
        photos: how many.
        means: by name: count, empty, brightness, contrast, sharpness, saturation, error_fraction,
            latency_ms, score, and of a model of several classes the column ``count:…`` of each;
            None where nothing has such a number.
    """

    begin: datetime
    photos: int
    means: dict[str, float | None]


def trend(
    log: PredictionLog, model: MonitoredModel, now: datetime | None = None
) -> list[TrendPoint]:
    """Of all photos of a model version, oldest first; at most ``MAX_POINTS`` (and the one begun).

    Photos whose times are in the future are left out, see ``monitoring.observation``.
    """
    until = (now or datetime.now(UTC)) + CLOCKS_APART
    whose = narrowed(log, PhotoFilter(model.name, model.version, since=model.since, until=until))
    first, last = (_end(log, whose, order) for order in (asc, desc))
    if first is None or last is None:
        return []
    span = (last - first).total_seconds()
    width = next((s for s in INTERVALS_S if span / s <= MAX_POINTS), INTERVALS_S[-1])
    width *= max(1, math.ceil(span / width / MAX_POINTS))
    sums = sums_by_interval(log, whose, width)
    points = {begin: _point(begin, sums[begin]) for begin in sorted(sums)}
    if len(model.classes) > 1:
        fraction = MAX_SAMPLED / sum(point.photos for point in points.values())
        sampled = replace(whose, fraction=fraction)
        for begin, means in _class_means(log, sampled, width, model.classes).items():
            points[begin].means.update(means)
    return list(points.values())


def _end(
    log: PredictionLog, whose: PhotoFilter, order: Callable[[Any], UnaryExpression[Any]]
) -> datetime | None:
    """The time of the first or last photo: by the index, where min and max would read them all."""
    time = photos_table.c.time
    rows = log.rows(select(time).where(*whose.clauses()).order_by(order(time)).limit(1))
    return rows[0]["time"] if rows else None


def _point(begin: int, sums: Sums) -> TrendPoint:
    counted = sums["photos"] - sums["errors"]
    of = {
        "count": ("detections", counted),
        "empty": ("empty", counted),
        **{name: (name, sums["measured"]) for name in STATISTICS},
        "latency_ms": ("latency_ms", counted),
        "error_fraction": ("errors", sums["photos"]),
        "score": ("score", sums["boxes"]),
    }
    means = {name: sums[what] / number if number else None for name, (what, number) in of.items()}
    return TrendPoint(datetime.fromtimestamp(begin, UTC), int(sums["photos"]), means)


def _class_means(
    log: PredictionLog, sampled: PhotoFilter, width_s: int, classes: Sequence[str]
) -> dict[int, dict[str, float | None]]:
    """Boxes of each class per counted photo, by interval and by the name of their column."""
    table, mine = photos_table.c, sampled.clauses()
    begin = interval_begin(table.time, width_s)
    counted = select(begin, func.count(case((table.error.is_(None), 1))).label("photos"))
    photos = {
        int(row["begin"]): int(row["photos"])
        for row in log.rows(counted.where(*mine).group_by(begin))
    }
    label = boxes_table.c.label
    of_classes = (
        select(begin, label, func.count().label("boxes"))
        .join(photos_table, boxes_table.c.prediction_id == table.id)
        .where(*mine)
        .group_by(begin, label)
    )
    boxes = {(int(row["begin"]), row["label"]): int(row["boxes"]) for row in log.rows(of_classes)}
    return {
        start: {
            class_count_column(name).name: boxes.get((start, name), 0) / number if number else None
            for name in classes
        }
        for start, number in photos.items()
    }
