"""Photos that were counted in tiles: no reference knows what is normal for them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from sparrow.predictions.log import PredictionLog
from sparrow.predictions.log_tables import tiled_table
from sparrow.predictions.window import IDS_AT_ONCE, Window


def without_tiled(log: PredictionLog, window: Window) -> tuple[Window, int, str]:
    """A window without the photos that were counted in tiles.

    A model's reference is of photos that were seen whole; in tiles it finds more and smaller
    objects, which is no drift.

    Returns:
        The window, how many photos were set aside, and that in words.
    """
    aside = window.photos["id"].isin(_tiled(log, window.photos["id"].tolist()))
    n_photos = int(aside.sum())
    if not n_photos:
        return window, 0, ""
    kept = set(window.photos["id"][~aside])
    boxes, feedback, class_counts = (
        table[table["prediction_id"].isin(kept)].reset_index(drop=True)
        for table in (window.boxes, window.feedback, window.class_counts)
    )
    photos = window.photos[~aside].reset_index(drop=True)
    words = (
        f"{n_photos} photos were set aside: they were counted in tiles, and the model's reference "
        "is of photos that were not."
    )
    return Window(photos, boxes, feedback, class_counts), n_photos, words


def _tiled(log: PredictionLog, ids: Sequence[str]) -> set[str]:
    """Those of some photos that were counted in tiles."""
    if not log.has(tiled_table):  # a release before made this log, which is only read
        return set()
    own = tiled_table.c.prediction_id
    return {
        row["prediction_id"]
        for start in range(0, len(ids), IDS_AT_ONCE)
        for row in log.rows(select(own).where(own.in_(ids[start : start + IDS_AT_ONCE])))
    }
