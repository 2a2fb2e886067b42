"""Labels worth a second look: confident finds without a box, boxes that nothing found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sparrow.data.checks.label_errors import (
    CANDIDATE_COLUMNS,
    NO_BOX,
    NO_OBJECT,
    label_error_candidates,
    label_error_violation,
)
from sparrow.data.tables import BOX_COLUMNS, Dataset
from sparrow.detections import Detections


def detections(*rows: tuple[float, float, float, float, float]) -> Detections:
    values = np.array(rows, dtype=np.float32).reshape(-1, 5)
    return Detections(values[:, :4], values[:, 4], np.ones(len(values), dtype=np.int64))


def dataset(*boxes: tuple[str, float, float, float, float]) -> Dataset:
    images = pd.DataFrame({"image": ["a.jpg", "b.jpg"]})
    rows = [(name, "house_sparrow", *xyxy) for name, *xyxy in boxes]
    return Dataset(Path(), images, pd.DataFrame(rows, columns=list(BOX_COLUMNS)))


def test_no_candidates_in_nothing() -> None:
    review = label_error_candidates(dataset(), {}, 0.5)
    assert (list(review.columns), len(review)) == (list(CANDIDATE_COLUMNS), 0)
    assert label_error_violation(review, "boxes.csv") is None


def test_both_kinds_of_candidates_are_listed_surest_first() -> None:
    data = dataset(("a.jpg", 0, 0, 10, 10), ("b.jpg", 50, 50, 60, 60))
    found = {
        # The first covers the box; the second has none; the third is not sure enough.
        "a.jpg": detections((0, 0, 10, 9, 0.9), (30, 30, 40, 40, 0.8), (70, 70, 80, 80, 0.4)),
        "b.jpg": detections(),
    }
    review = label_error_candidates(data, found, sure_score=0.5)
    # Of two boxes one was found: a miss of this model is worth 0.5.
    assert review[["image", "kind"]].to_numpy().tolist() == [
        ["a.jpg", NO_BOX],
        ["b.jpg", NO_OBJECT],
    ]
    assert review["x_min_px"].tolist() == [30, 50]
    np.testing.assert_allclose(review["score"], [0.8, 0.5])
    listed = label_error_violation(review, "boxes.csv")
    assert listed is not None
    assert (listed.severity, listed.rule) == ("warning", "label-error-candidate")
    assert listed.rows["value"][1] == "nothing found here (0.50): from 50, 50 to 60, 60"
