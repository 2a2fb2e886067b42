"""A window of the prediction log as tables, and the reference of a model folder likewise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import select

from sparrow.prediction_log import PredictionLog, conditions
from sparrow.prediction_record import (
    PredictionRecord,
    boxes_table,
    feedback_table,
    photos_table,
)

PHOTO_COLUMNS = tuple(c.name for c in photos_table.columns)
BOX_COLUMNS = tuple(c.name for c in boxes_table.columns)
FEEDBACK_COLUMNS = tuple(c.name for c in feedback_table.columns)
_NUMBERS = ("brightness", "contrast", "sharpness", "saturation", "latency_ms",
            "count", "count_low", "count_high")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Window:
    """Some photos of one log.

    Attributes:
        photos: one row per photo (``PHOTO_COLUMNS``), oldest first; ``time`` is UTC, numbers that
            are not known are NaN.
        boxes: one row per box (``BOX_COLUMNS``) of these photos.
        feedback: one row per remark (``FEEDBACK_COLUMNS``) on these photos.
    """

    photos: pd.DataFrame
    boxes: pd.DataFrame
    feedback: pd.DataFrame


def read_window(
    log: PredictionLog,
    *,
    limit: int | None = None,
    model_version: str | None = None,
    source: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Window:
    """The newest ``limit`` photos (None: all) that fit; times are aware, ``until`` is excluded."""
    chosen = conditions(model_version=model_version, source=source, since=since, until=until)
    newest = (
        select(photos_table)
        .where(*chosen)
        .order_by(photos_table.c.time.desc(), photos_table.c.id)
        .limit(limit)
    )
    ids = select(newest.subquery().c.id)
    boxes = (
        select(boxes_table)
        .where(boxes_table.c.prediction_id.in_(ids))
        .order_by(boxes_table.c.prediction_id, boxes_table.c.position)
    )
    feedback = (
        select(feedback_table)
        .where(feedback_table.c.prediction_id.in_(ids))
        .order_by(feedback_table.c.time)
    )
    return _window(log.rows(newest)[::-1], log.rows(boxes), log.rows(feedback))


def window_of(records: Sequence[PredictionRecord]) -> Window:
    """Records as a window without feedback."""
    return _window(
        [record.row() for record in records],
        [row for record in records for row in record.box_rows()],
        [],
    )


def write_reference(
    path: Path,
    records: Sequence[PredictionRecord],
    groups: Sequence[int],
    true_counts: Sequence[int],
) -> None:
    """Write ``reference.parquet``: one row per photo in the log's own columns, and three more.

    Args:
        path: of the file.
        records: of held-out photos.
        groups: which of them belong together (author, near-duplicates): the log has no such thing.
        true_counts: what people counted.
    """
    frame = window_of(records).photos
    frame["boxes"] = [json.dumps([asdict(box) for box in record.boxes]) for record in records]
    frame["group"], frame["true_count"] = list(groups), list(true_counts)
    frame.to_parquet(path, index=False)


def read_reference(path: Path) -> Window:
    """Read ``reference.parquet``.

    Returns:
        Its photos with the column ``group`` besides; the true counts as feedback.

    Raises:
        ValueError: it is not Parquet, or a column is missing.
    """
    frame = pd.read_parquet(path)
    expected = (*PHOTO_COLUMNS, "boxes", "group", "true_count")
    missing = [name for name in expected if name not in frame]
    if missing:
        raise ValueError(f"{path}: expected the columns of the prediction log, missing {missing}")
    boxes = [
        {"prediction_id": photo, "position": i, **box}
        for photo, text in zip(frame["id"], frame["boxes"], strict=True)
        for i, box in enumerate(json.loads(text))
    ]
    truth = frame.rename(columns={"id": "prediction_id"})[["prediction_id", "time", "true_count"]]
    window = _window(frame, boxes, truth.assign(id=frame["id"], wrong=False))
    return Window(window.photos.assign(group=frame["group"]), window.boxes, window.feedback)


def _window(
    photos: list[dict[str, Any]] | pd.DataFrame,
    boxes: list[dict[str, Any]],
    feedback: list[dict[str, Any]] | pd.DataFrame,
) -> Window:
    photo_table = pd.DataFrame(photos, columns=list(PHOTO_COLUMNS))
    for name in _NUMBERS:
        photo_table[name] = photo_table[name].astype(float)
    box_table = pd.DataFrame(boxes, columns=list(BOX_COLUMNS))
    for name in ("score", "x_min_px", "y_min_px", "x_max_px", "y_max_px"):
        box_table[name] = box_table[name].astype(float)
    feedback_rows = pd.DataFrame(feedback, columns=list(FEEDBACK_COLUMNS))
    feedback_rows["true_count"] = feedback_rows["true_count"].astype(float)
    for table in (photo_table, feedback_rows):
        table["time"] = pd.to_datetime(table["time"], utc=True)
    return Window(photo_table, box_table, feedback_rows)
