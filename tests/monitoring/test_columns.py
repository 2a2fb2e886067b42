"""What is watched, on photos whose numbers are known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from monitoring.columns import (
    NAMES,
    column_named,
    column_titles,
    columns_of_model,
    photo_table,
    photo_values,
)
from sparrow.predictions.record import LoggedBox, PredictionRecord
from sparrow.predictions.window import FEEDBACK_COLUMNS, Window, window_of

PHOTO = PredictionRecord(
    id="a", time=datetime(2026, 5, 1, tzinfo=UTC), source="api", model_name="birds",
    model_version="3", file_name="a.jpg", width_px=400, height_px=100, brightness=0.5,
    contrast=0.1, sharpness=0.05, saturation=0.3,
    boxes=(LoggedBox("bird", 0.9, 0, 0, 40, 10), LoggedBox("bird", 0.5, 360, 90, 400, 100)),
)  # fmt: skip


def values(window: Window) -> pd.DataFrame:
    return pd.DataFrame(photo_values(window), columns=list(NAMES))


def test_no_photos_have_no_values() -> None:
    assert photo_values(window_of([])).shape == (0, len(NAMES))


def test_numbers_of_a_photo() -> None:
    row = values(window_of([PHOTO])).iloc[0]
    assert row["count"] == 2
    assert row["empty"] == 0
    assert row["score"] == pytest.approx(0.7)
    assert row["box_size"] == pytest.approx(0.1)  # 40 × 10 of 400 × 100 pixels: a hundredth
    assert row["box_shape"] == pytest.approx(4)
    assert row["box_x"] == pytest.approx(0.5)  # centres at 20 and 380 of 400
    assert row["box_y"] == pytest.approx(0.5)
    assert row["photo_size"] == pytest.approx(0.04)  # megapixels
    assert row["photo_shape"] == 4
    assert np.isnan(row["count_error"])
    assert np.isnan(row["wrong"])


def test_what_a_photo_does_not_have_is_nan() -> None:
    empty = replace(PHOTO, id="b", boxes=())
    broken = replace(
        PHOTO, id="c", boxes=(), error="unreadable_photo", width_px=0, height_px=0,
        brightness=None, contrast=None, sharpness=None, saturation=None,
    )  # fmt: skip
    found = values(window_of([empty, broken]))
    assert found["count"].fillna(-1).tolist() == [0, -1]
    assert found["empty"].fillna(-1).tolist() == [1, -1]
    assert found["score"].isna().all()
    assert found["brightness"].fillna(-1).tolist() == [0.5, -1]
    assert found["photo_size"].notna().tolist() == [True, False]


def test_the_last_remark_on_a_photo_counts() -> None:
    records = [replace(PHOTO, id=one) for one in "abc"]
    remarks = [("a", 5.0, False), ("a", 2.0, False), ("b", np.nan, True), ("c", 4.0, False)]
    feedback = pd.DataFrame(remarks, columns=["prediction_id", "true_count", "wrong"])
    window = window_of(records)
    window = replace(window, feedback=feedback.reindex(columns=list(FEEDBACK_COLUMNS)))
    found = values(window)
    assert found["count_error"].fillna(-9).tolist() == [0, -9, -2]
    assert found["wrong"].tolist() == [0, 1, 1]  # 2 found where there are 4: wrong, though unsaid


def test_a_minimum_has_no_error_where_there_are_more() -> None:
    least = replace(PHOTO, count=2, count_low=1, count_high=None)
    names = [replace(least, id=name) for name in "ab"]
    window = window_of(names)
    rows = [("f1", "a", PHOTO.time, 9.0, False), ("f2", "b", PHOTO.time, 1.0, False)]
    feedback = pd.DataFrame(rows, columns=list(FEEDBACK_COLUMNS))
    found = values(replace(window, feedback=feedback))
    assert found["count_error"].fillna(-9).tolist() == [-9, 1]
    assert found["wrong"].tolist() == [0, 1]
    assert column_titles(window) == {"count": "count (2 means 2 or more)"}
    assert column_titles(window_of([PHOTO])) == {}


def test_a_box_of_no_height_has_a_shape_and_its_photo_the_others() -> None:
    flat = replace(PHOTO, boxes=(LoggedBox("bird", 0.9, 0, 5, 40, 5),))
    assert np.isfinite(values(window_of([flat]))["box_shape"][0])


@pytest.mark.parametrize(
    ("classes", "labels"),
    [((), []), (("bird",), []), (("bird", "cat"), ["cat"]), (("a", "b", "c"), ["a", "b", "c"])],
)
def test_mix_and_counts_are_watched_where_there_are_classes(
    classes: tuple[str, ...], labels: list[str]
) -> None:
    """Of two classes the second one's fraction says all of the mix."""
    columns = columns_of_model(classes)
    counts = [f"count:{label}" for label in classes] if labels else []
    added = [f"class:{label}" for label in labels] + counts
    assert [column.name for column in columns[len(NAMES) :]] == added
    assert [column_named(column.name) for column in columns] == list(columns)


def test_mix_and_counts_of_a_photo_are_of_its_boxes() -> None:
    cat = replace(PHOTO.boxes[0], label="cat")
    mixed = replace(PHOTO, id="b", boxes=(*PHOTO.boxes, cat, cat))
    empty = replace(PHOTO, id="c", boxes=())
    broken = replace(PHOTO, id="d", boxes=(), error="unreadable_photo")
    window = window_of([PHOTO, mixed, empty, broken])
    table = photo_table(window, columns_of_model(("bird", "cat"))).fillna(-1)
    assert table["class:cat"].tolist() == [0, 0.5, -1, -1]
    assert table["count:bird"].tolist() == [2, 2, 0, -1]
    assert table["count:cat"].tolist() == [0, 2, 0, -1]
