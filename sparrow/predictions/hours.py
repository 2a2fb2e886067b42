"""Sums over photos at even intervals of time, read by the hour and not photo by photo.

The database keeps sums for each model version and hour (``log_tables.hours_table``). Photos
themselves are read only where a span begins or ends within an hour, for intervals shorter than
one, for a part that the sums do not know, and in a log of a release before, opened for reading.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Label, Select, case, extract, func, literal, select

from sparrow.predictions.log import PredictionLog
from sparrow.predictions.log_tables import boxes_table, hours_table, photos_table
from sparrow.predictions.photo_filter import ALL_PHOTOS, PhotoFilter
from sparrow.predictions.record import naive_utc

HOUR = timedelta(hours=1)
HOUR_S = 3600
STATISTICS = ("brightness", "contrast", "sharpness", "saturation")
OF_PHOTOS = ("photos", "errors", "empty", "detections", "measured", "latency_ms", *STATISTICS)
OF_BOXES = ("boxes", "score")
Sums = dict[str, float]


def count_photos(log: PredictionLog, chosen: PhotoFilter = ALL_PHOTOS) -> int:
    """How many photos of the log fit."""
    queries = _queries(log, chosen, None, ("photos",))
    return sum(int(row["photos"] or 0) for query in queries for row in log.rows(query))


def narrowed(log: PredictionLog, chosen: PhotoFilter) -> PhotoFilter:
    """The same photos, from the hour of the first to that of the last.

    So a database that goes back in time from the end of the span, as PostgreSQL may, begins at the
    photos that are asked for, and not at those that other models have counted since.
    """
    if not log.has(hours_table):
        return chosen
    hour = hours_table.c.hour
    whole = replace(chosen, source=None, fraction=None, since=chosen.since and _hour(chosen.since))
    ends = select(func.min(hour).label("first"), func.max(hour).label("last"))
    clauses = (*whole.clauses(hours_table, hour), hours_table.c.photos > 0)
    first, last = log.rows(ends.where(*clauses))[0].values()
    if first is None:
        return chosen
    since, until = first.replace(tzinfo=UTC), last.replace(tzinfo=UTC) + HOUR
    return replace(
        chosen,
        since=max(since, chosen.since) if chosen.since else since,
        until=min(until, chosen.until) if chosen.until else until,
    )


def sums_by_interval(
    log: PredictionLog, chosen: PhotoFilter, width_s: int | None = None
) -> dict[int, Sums]:
    """Sums by the beginning of their interval, in seconds since 1970, of those with photos.

    Args:
        log: that is read.
        chosen: which photos.
        width_s: of an interval; None takes all of the time as one, which begins at 0.

    Returns:
        ``photos``, ``errors``, ``empty`` (counted, nothing detected), ``detections``, ``measured``
        (photos with image statistics) and ``boxes`` are numbers; ``latency_ms`` of counted photos,
        each image statistic of measured ones and ``score`` of boxes are sums.
    """
    by_begin: dict[int, Sums] = defaultdict(lambda: dict.fromkeys((*OF_PHOTOS, *OF_BOXES), 0))
    for query in _queries(log, chosen, width_s, (*OF_PHOTOS, *OF_BOXES)):
        for row in log.rows(query):
            sums = by_begin[int(row.pop("begin"))]
            for name, value in row.items():
                sums[name] += float(value or 0)  # PostgreSQL sums up whole numbers as decimals
    return {begin: sums for begin, sums in by_begin.items() if sums["photos"]}


def interval_begin(time: ColumnElement[Any], width_s: int) -> Label[Any]:
    """When the interval of a time begins, in seconds since 1970: whole intervals, in UTC."""
    seconds = extract("epoch", time)
    return (seconds - seconds % width_s).label("begin")


def _queries(
    log: PredictionLog, chosen: PhotoFilter, width_s: int | None, names: Sequence[str]
) -> Iterator[Select[Any]]:
    """Queries whose rows, added up, are the sums of these names."""
    known = chosen.source is None and chosen.fraction is None
    if not known or (width_s or HOUR_S) % HOUR_S or not log.has(hours_table):
        yield from _of_photos(chosen, width_s, names)
        return
    since, until = chosen.since, chosen.until
    first = since and _hour(since + HOUR - timedelta.resolution)
    end = until and _hour(until)
    if first and end and first >= end:
        yield from _of_photos(chosen, width_s, names)
        return
    yield _of_hours(replace(chosen, since=first, until=end), width_s, names)
    if since != first:
        yield from _of_photos(replace(chosen, until=first), width_s, names)
    if until != end:
        yield from _of_photos(replace(chosen, since=end), width_s, names)


def _of_hours(whole: PhotoFilter, width_s: int | None, names: Sequence[str]) -> Select[Any]:
    """Of whole hours."""
    table = hours_table.c
    begin, groups = _begin(table.hour, width_s)
    sums = [func.sum(table[name]).label(name) for name in names]
    clauses = whole.clauses(hours_table, table.hour)
    return select(begin, *sums).where(*clauses).group_by(*groups)


def _of_photos(
    chosen: PhotoFilter, width_s: int | None, names: Sequence[str]
) -> Iterator[Select[Any]]:
    """Of single photos, and of their boxes."""
    table, clauses = photos_table.c, chosen.clauses()
    begin, groups = _begin(table.time, width_s)
    counted = table.error.is_(None)
    sums: dict[str, ColumnElement[Any]] = {
        "photos": func.count(),
        "errors": func.sum(case((counted, 0), else_=1)),
        "empty": func.sum(case((counted & (table.n_detections == 0), 1), else_=0)),
        "detections": func.sum(case((counted, table.n_detections), else_=0)),
        "measured": func.sum(case((table.brightness.is_(None), 0), else_=1)),
        "latency_ms": func.sum(case((counted, table.latency_ms), else_=0)),
        **{name: func.sum(table[name]) for name in STATISTICS},
    }
    wanted = [value.label(name) for name, value in sums.items() if name in names]
    yield select(begin, *wanted).select_from(photos_table).where(*clauses).group_by(*groups)
    if "boxes" in names:
        score = func.sum(boxes_table.c.score).label("score")
        yield (
            select(begin, func.count().label("boxes"), score)
            .select_from(photos_table)
            .join(boxes_table, boxes_table.c.prediction_id == table.id)
            .where(*clauses)
            .group_by(*groups)
        )


def _begin(time: ColumnElement[Any], width_s: int | None) -> tuple[Label[Any], list[Label[Any]]]:
    """``interval_begin``, or one beginning for all, and what rows are grouped by."""
    if width_s is None:
        return literal(0).label("begin"), []
    begin = interval_begin(time, width_s)
    return begin, [begin]


def _hour(time: datetime) -> datetime:
    """The beginning of its hour in UTC."""
    return naive_utc(time).replace(minute=0, second=0, microsecond=0, tzinfo=UTC)
