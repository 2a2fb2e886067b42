"""A window of the prediction log as tables, and the reference of a model folder likewise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Table, select

from sparrow.predictions.log import PredictionLog
from sparrow.predictions.log_tables import (
    boxes_table,
    class_counts_table,
    feedback_table,
    photos_table,
)
from sparrow.predictions.photo_filter import ALL_PHOTOS, PhotoFilter
from sparrow.predictions.record import PredictionRecord

PHOTO_COLUMNS = tuple(c.name for c in photos_table.columns)
BOX_COLUMNS = tuple(c.name for c in boxes_table.columns)
CLASS_COUNT_COLUMNS = tuple(c.name for c in class_counts_table.columns)
FEEDBACK_COLUMNS = tuple(c.name for c in feedback_table.columns)
IDS_AT_ONCE = 5000  # databases take some ten thousand parameters in one statement
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
        class_counts: one row per photo and class (``CLASS_COUNT_COLUMNS``) in the model's order of
            classes; none of photos that were logged by a release without them.
    """

    photos: pd.DataFrame
    boxes: pd.DataFrame
    feedback: pd.DataFrame
    class_counts: pd.DataFrame


def read_window(
    log: PredictionLog, chosen: PhotoFilter = ALL_PHOTOS, *, limit: int | None = None
) -> Window:
    """The newest ``limit`` (None: all) of the photos that fit.

    What is written meanwhile is in the window as a whole or not at all: boxes are read by the ids
    of their photos.
    """
    newest = select(photos_table).where(*chosen.clauses())
    photos = log.rows(newest.order_by(chosen.newest_first()).limit(limit))
    photos.sort(key=lambda photo: (photo["time"], photo["id"]))
    ids = [photo["id"] for photo in photos]
    boxes = _rows_of(log, boxes_table, ids)
    boxes.sort(key=lambda row: (row["prediction_id"], row["position"]))
    feedback = _rows_of(log, feedback_table, ids)
    feedback.sort(key=lambda row: row["time"])
    # A log that is opened for reading alone may lack the table: a release before made it.
    class_counts = _rows_of(log, class_counts_table, ids) if log.has(class_counts_table) else []
    class_counts.sort(key=lambda row: (row["prediction_id"], row["position"]))
    return _window(photos, boxes, feedback, class_counts)


def _rows_of(log: PredictionLog, table: Table, ids: list[str]) -> list[dict[str, Any]]:
    """Rows of a child table that belong to these photos."""
    rows = []
    for start in range(0, len(ids), IDS_AT_ONCE):
        some = ids[start : start + IDS_AT_ONCE]
        rows += log.rows(select(table).where(table.c.prediction_id.in_(some)))
    return rows


def minimums(photos: pd.DataFrame) -> NDArray[np.bool_]:
    """[photos] whether each count is a minimum (``sparrow.predictions.count_words``)."""
    return np.asarray(photos["count_low"].notna() & photos["count_high"].isna(), dtype=bool)


def window_of(records: Sequence[PredictionRecord]) -> Window:
    """Records as a window without feedback."""
    return _window(
        [record.row() for record in records],
        [row for record in records for row in record.box_rows()],
        [],
        [row for record in records for row in record.class_count_rows()],
    )


def write_reference(
    path: Path,
    records: Sequence[PredictionRecord],
    groups: Sequence[int],
    true_counts: Sequence[int],
) -> None:
    """Write ``reference.parquet``: one row per photo in the log's own columns, and four more.

    Args:
        path: of the file.
        records: of held-out photos.
        groups: which of them belong together (``sparrow.data.split.groups``): the log
            has no such thing.
        true_counts: what people counted.
    """
    frame = window_of(records).photos
    frame["boxes"] = [json.dumps([asdict(box) for box in record.boxes]) for record in records]
    frame["class_counts"] = [
        json.dumps([asdict(counted) for counted in record.class_counts]) for record in records
    ]
    frame["group"], frame["true_count"] = list(groups), list(true_counts)
    frame.to_parquet(path, index=False)


def read_reference(path: Path) -> Window:
    """Read ``reference.parquet``.

    Returns:
        Its photos with the column ``group`` besides; the true counts as feedback. One that an
        earlier release wrote has no class counts.

    Raises:
        ValueError: it is not Parquet, or a column is missing.
    """
    frame = pd.read_parquet(path)
    expected = (*PHOTO_COLUMNS, "boxes", "group", "true_count")
    missing = [name for name in expected if name not in frame]
    if missing:
        raise ValueError(f"{path}: expected the columns of the prediction log, missing {missing}")
    boxes = _children(frame, "boxes")
    class_counts = _children(frame, "class_counts") if "class_counts" in frame else []
    truth = frame.rename(columns={"id": "prediction_id"})[["prediction_id", "time", "true_count"]]
    window = _window(frame, boxes, truth.assign(id=frame["id"], wrong=False), class_counts)
    return replace(window, photos=window.photos.assign(group=frame["group"]))


def _children(frame: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    """Rows of a child table, which a column holds as JSON."""
    return [
        {"prediction_id": photo, "position": i, **values}
        for photo, text in zip(frame["id"], frame[column], strict=True)
        for i, values in enumerate(json.loads(text))
    ]


def _window(
    photos: list[dict[str, Any]] | pd.DataFrame,
    boxes: list[dict[str, Any]],
    feedback: list[dict[str, Any]] | pd.DataFrame,
    class_counts: list[dict[str, Any]],
) -> Window:
    photo_table = pd.DataFrame(photos, columns=list(PHOTO_COLUMNS))
    for name in _NUMBERS:
        photo_table[name] = photo_table[name].astype(float)
    box_table = pd.DataFrame(boxes, columns=list(BOX_COLUMNS))
    for name in ("score", "x_min_px", "y_min_px", "x_max_px", "y_max_px"):
        box_table[name] = box_table[name].astype(float)
    counted = pd.DataFrame(class_counts, columns=list(CLASS_COUNT_COLUMNS))
    for name in ("count", "low", "high"):
        counted[name] = counted[name].astype(float)
    feedback_rows = pd.DataFrame(feedback, columns=list(FEEDBACK_COLUMNS))
    feedback_rows["true_count"] = feedback_rows["true_count"].astype(float)
    for table in (photo_table, feedback_rows):
        table["time"] = pd.to_datetime(table["time"], utc=True)
    return Window(photo_table, box_table, feedback_rows, counted)
