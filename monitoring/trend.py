"""How production went over time: aggregates of the log, by the database, at even intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Float, case, cast, extract, func, select

from monitoring.columns import class_count_column
from monitoring.observation import CLOCKS_APART, MonitoredModel
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
MAX_SCORED = 100_000  # photos whose boxes are read; of more, an even sample gives the mean score


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
    whose = PhotoFilter(model.name, model.version, since=model.since, until=until)
    mine = whose.clauses()
    table = photos_table.c
    ends = select(func.min(table.time).label("first"), func.max(table.time).label("last"))
    photos = log.rows(ends.where(*mine))[0]
    if photos["first"] is None:
        return []
    span = (photos["last"] - photos["first"]).total_seconds()
    width = next((s for s in INTERVALS_S if span / s <= MAX_POINTS), INTERVALS_S[-1])
    width *= max(1, math.ceil(span / width / MAX_POINTS))
    points = _photo_means(log, mine, width)
    fraction = MAX_SCORED / sum(point.photos for point in points.values())
    sampled = replace(whose, fraction=fraction).clauses()
    for begin, score in _scores(log, sampled, width).items():
        points[begin].means["score"] = score
    if len(model.classes) > 1:
        for begin, means in _class_means(log, sampled, width, model.classes).items():
            points[begin].means.update(means)
    return [points[begin] for begin in sorted(points)]


def _photo_means(log: PredictionLog, mine: list[Any], width_s: int) -> dict[int, TrendPoint]:
    table, begin = photos_table.c, _begin(width_s)
    counted = table.error.is_(None)
    means = {
        "count": func.avg(case((counted, table.n_detections))),
        "empty": func.avg(case((counted, case((table.n_detections == 0, 1.0), else_=0.0)))),
        **{
            name: func.avg(table[name])
            for name in ("brightness", "contrast", "sharpness", "saturation")
        },
        "latency_ms": func.avg(case((counted, table.latency_ms))),
        "error_fraction": func.avg(case((counted, 0.0), else_=1.0)),
    }
    query = (
        select(
            begin.label("begin"),
            func.count().label("photos"),
            *(cast(mean, Float).label(name) for name, mean in means.items()),
        )
        .where(*mine)
        .group_by(begin)
    )
    return {
        int(row["begin"]): TrendPoint(
            datetime.fromtimestamp(int(row["begin"]), UTC),
            int(row["photos"]),
            {"score": None, **{name: row[name] for name in means}},
        )
        for row in log.rows(query)
    }


def _scores(log: PredictionLog, mine: list[Any], width_s: int) -> dict[int, float]:
    begin = _begin(width_s)
    query = (
        select(begin.label("begin"), func.avg(boxes_table.c.score).label("score"))
        .join(photos_table, boxes_table.c.prediction_id == photos_table.c.id)
        .where(*mine)
        .group_by(begin)
    )
    return {int(row["begin"]): float(row["score"]) for row in log.rows(query)}


def _class_means(
    log: PredictionLog, mine: list[Any], width_s: int, classes: Sequence[str]
) -> dict[int, dict[str, float | None]]:
    """Boxes of each class per counted photo, by interval and by the name of their column."""
    begin, table = _begin(width_s).label("begin"), photos_table.c
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


def _begin(width_s: int) -> Any:
    """Beginning of a photo's interval, in seconds since 1970: whole intervals, in UTC."""
    seconds = extract("epoch", photos_table.c.time)
    return seconds - seconds % width_s
