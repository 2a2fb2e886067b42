"""Whether what the log holds can be true at all: scores lie in 0..1, classes are the model's.

A single box that breaks this is a fault of the export, the service or the log, however few photos
there are. No chance is in it, so it takes no part in the rate of false alarms.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from monitoring.messages import classes_in_words, scores_in_words
from monitoring.verdict import ColumnChange
from sparrow.predictions.window import Window


def validity_changes(window: Window, classes: Sequence[str]) -> list[ColumnChange]:
    """Scores outside 0..1, and classes that the model does not know.

    Args:
        window: its photos are oldest first.
        classes: that the model knows; none where that is not known, and nothing is said of them.
    """
    boxes = window.boxes
    outside = ~boxes["score"].between(0.0, 1.0)  # NaN is outside, too
    words = scores_in_words(boxes["score"][outside].tolist(), len(boxes))
    changes = [_change("score_range", window, outside, words)]
    if classes:
        unknown = ~boxes["label"].isin(classes)
        labels = sorted(set(boxes["label"][unknown].astype(str)))
        words = classes_in_words(labels, int(unknown.sum()), len(boxes), classes)
        changes.append(_change("known_class", window, unknown, words))
    return changes


def _change(column: str, window: Window, broken: pd.Series[bool], words: str) -> ColumnChange:
    photos, drifted = window.photos, bool(broken.any())
    since = None
    if drifted:
        hit = photos["id"].isin(window.boxes["prediction_id"][broken])
        first: pd.Timestamp = photos["time"][hit].iloc[0]
        since = first.to_pydatetime()
    return ColumnChange(
        column=column,
        kind="prediction",
        reference=0.0,
        current=float(broken.mean()) if len(broken) else None,
        p_value=None,
        drifted=drifted,
        photos=len(photos),
        since=since,
        words=words,
    )
