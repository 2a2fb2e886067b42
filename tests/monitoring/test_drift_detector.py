"""The detector: an alarm where something changed, none where nothing did, and a date."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from monitoring.drift_detector import DriftDetector
from monitoring.verdict import ColumnChange, DriftVerdict, State
from sparrow.config import MonitoringConfig
from sparrow.predictions.record import LoggedBox, PredictionRecord
from sparrow.predictions.window import Window, window_of

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CONFIG = MonitoringConfig(windows=(25, 100, 400))


@pytest.fixture(scope="module")
def detector(photos: Any) -> DriftDetector:
    return DriftDetector(window_of(photos(200, seed=1)), CONFIG)


def change_of(verdict: DriftVerdict, column: str) -> ColumnChange:
    return next(change for change in verdict.changes if change.column == column)


@pytest.mark.parametrize("n", [0, 1, 24])
def test_too_few_photos_are_no_good_news(photos: Any, detector: DriftDetector, n: int) -> None:
    verdict = detector.detect_drift(window_of(photos(n, seed=2)))
    assert verdict.state == State.TOO_FEW
    assert verdict.exit_code == 4
    assert f"{n} photos; at least 25" in verdict.reason


@pytest.mark.parametrize("n", [0, 7])
def test_too_small_a_reference_is_no_good_news(photos: Any, n: int) -> None:
    verdict = DriftDetector(window_of(photos(n, seed=1)), CONFIG).detect_drift(
        window_of(photos(50, seed=2))
    )
    assert verdict.state == State.TOO_FEW
    assert f"reference has {n} photos" in verdict.reason


def test_photos_like_the_references_are_ok(photos: Any, detector: DriftDetector) -> None:
    verdict = detector.detect_drift(window_of(photos(150, seed=3)))
    assert verdict.state == State.OK
    assert verdict.exit_code == 0
    assert "newest 25, 100 and 150 photos" in verdict.reason
    assert all(change.p_value > 0.05 for change in verdict.changes if change.p_value is not None)


def test_a_blackout_of_25_photos_is_noticed_and_dated(photos: Any, detector: DriftDetector) -> None:
    dead = [replace(one, boxes=()) for one in photos(25, seed=5, first=100)]
    verdict = detector.detect_drift(window_of([*photos(100, seed=4), *dead]))
    assert verdict.state == State.DRIFT
    assert verdict.exit_code == 3
    empty = change_of(verdict, "empty")
    assert empty.drifted
    assert empty.current == 1.0
    assert empty.photos == 25
    assert abs(empty.since - NOON - timedelta(minutes=100)) <= timedelta(minutes=2)
    assert not change_of(verdict, "brightness").drifted


def test_darkness_is_told_in_words(photos: Any, detector: DriftDetector) -> None:
    verdict = detector.detect_drift(window_of(photos(60, seed=6, brightness=0.2)))
    assert [change.column for change in verdict.drifted] == ["brightness"]
    assert verdict.reason.startswith("Brightness (0 to 1) fell: 0.")


def test_a_column_that_spreads_is_seen_where_its_mean_stays(
    photos: Any, detector: DriftDetector
) -> None:
    # Half the photos at night, half in glaring sun: 0.5 on average, as before.
    mixed = [*photos(50, seed=7, brightness=0.2), *photos(50, seed=8, brightness=0.8)]
    rng = np.random.default_rng(0)
    verdict = detector.detect_drift(window_of([mixed[i] for i in rng.permutation(100)]))
    brightness = change_of(verdict, "brightness")
    assert brightness.drifted
    assert "scatters more" in brightness.words


def test_a_loss_of_recall_takes_hundreds_of_photos(photos: Any) -> None:
    detector = DriftDetector(window_of(photos(600, seed=9)), CONFIG)
    few = detector.detect_drift(window_of(photos(50, seed=10, recall=0.8)))
    many = detector.detect_drift(window_of(photos(500, seed=11, recall=0.8)))
    assert few.state == State.OK
    assert change_of(many, "count").drifted


def test_a_constant_column_may_vary_a_little_and_not_much(
    photos: Any, detector: DriftDetector
) -> None:
    # All photos of the reference are 640 × 480. One other size in 25 is no news; 25 of 25 are.
    usual = photos(25, seed=12)
    one = [replace(usual[0], width_px=800), *usual[1:]]
    every = [replace(photo, width_px=800) for photo in usual]
    assert detector.detect_drift(window_of(usual)).state == State.OK
    assert detector.detect_drift(window_of(one)).state == State.OK
    columns = {change.column for change in detector.detect_drift(window_of(every)).drifted}
    assert {"photo_size", "photo_shape"} <= columns


def test_a_constant_summed_in_another_order_is_the_same_constant(photos: Any) -> None:
    # The mean of three scores of 0.8 is 0.8000000000000002 in floating point, of one 0.8.
    def alike(n: int, seed: int, boxes: int) -> Window:
        box = LoggedBox("bird", 0.8, 10, 10, 80, 80)
        return window_of([replace(one, boxes=(box,) * boxes) for one in photos(n, seed)])

    verdict = DriftDetector(alike(60, 1, boxes=1), CONFIG).detect_drift(alike(60, 2, boxes=3))
    drifted = {change.column for change in verdict.drifted}
    assert "count" in drifted
    assert not {"score", "box_size", "box_x", "box_y"} & drifted


@pytest.mark.parametrize(("errors", "drifted"), [(2, False), (8, True)])
def test_photos_that_cannot_be_counted(
    photos: Any, detector: DriftDetector, errors: int, drifted: bool
) -> None:
    # With 2 % usual, 2 errors or more come among 50 photos in 26 % of windows, 8 in 1 of 10^6.
    window = photos(50, seed=13)
    window[20 : 20 + errors] = [
        replace(one, error="unreadable_photo", boxes=(), width_px=0, height_px=0, brightness=None)
        for one in window[20 : 20 + errors]
    ]
    change = change_of(detector.detect_drift(window_of(window)), "error_fraction")
    assert change.drifted == drifted
    assert change.current is not None


def test_photos_of_one_author_count_as_less(photos: Any) -> None:
    """Ten authors of 20 photos, each with a light of its own: a window of another light is news
    only if the photos are taken for independent.
    """
    rng = np.random.default_rng(14)
    lights = rng.normal(0.5, 0.2, 10)
    records = [
        one for seed, light in enumerate(lights) for one in photos(20, seed, brightness=light)
    ]
    alone = window_of(records)
    grouped = replace(alone, photos=alone.photos.assign(group=np.repeat(np.arange(10), 20)))
    window = window_of(photos(60, seed=15, brightness=0.75))
    assert change_of(DriftDetector(alone, CONFIG).detect_drift(window), "brightness").drifted
    assert not change_of(DriftDetector(grouped, CONFIG).detect_drift(window), "brightness").drifted


def with_truth(records: Sequence[PredictionRecord], missed: int) -> Window:
    """As if people had said that there are ``missed`` more birds in each photo."""
    window = window_of(records)
    remarks = window.photos[["id", "time"]].rename(columns={"id": "prediction_id"})
    remarks["true_count"] = window.photos["n_detections"].to_numpy(dtype=float) + missed
    remarks["wrong"] = False
    return replace(window, feedback=remarks)


def test_feedback_shows_what_the_photos_do_not(photos: Any) -> None:
    reference = with_truth(photos(200, seed=1), 0)
    detector = DriftDetector(reference, CONFIG)
    good = detector.detect_drift(with_truth(photos(60, seed=16), 0))
    bad = detector.detect_drift(with_truth(photos(60, seed=16), 1))
    assert good.state == State.OK
    assert [change.column for change in bad.drifted] == ["count_error", "wrong"]
    assert change_of(bad, "count_error").current == -1.0


def test_latency_has_a_plain_bar(photos: Any) -> None:
    reference, slow = window_of(photos(60, seed=1)), photos(30, seed=17)
    slow = [replace(one, latency_ms=900.0) for one in slow]
    config = MonitoringConfig(windows=(25,), max_latency_ms=500.0)
    verdict = DriftDetector(reference, config).detect_drift(window_of(slow))
    assert [change.column for change in verdict.drifted] == ["latency_ms"]
    free = DriftDetector(reference, MonitoringConfig(windows=(25,))).detect_drift(window_of(slow))
    assert free.state == State.OK


@pytest.mark.parametrize(
    ("unreadable", "median"), [(0, 900.0), (13, 900.0), (20, 900.0), (24, 900.0), (25, None)]
)
def test_photos_that_cannot_be_read_do_not_hide_how_long_the_others_take(
    photos: Any, unreadable: int, median: float | None
) -> None:
    slow = [replace(one, latency_ms=900.0) for one in photos(25, seed=17)]
    slow[:unreadable] = [
        replace(one, latency_ms=0.4, error="unreadable_photo") for one in slow[:unreadable]
    ]
    config = MonitoringConfig(windows=(25,), max_latency_ms=500.0)
    verdict = DriftDetector(window_of(photos(60, seed=1)), config).detect_drift(window_of(slow))
    change = change_of(verdict, "latency_ms")
    assert (change.current, change.photos) == (median, 25 - unreadable)
    assert change.drifted == (median is not None)
    json.dumps(verdict.to_dict(), allow_nan=False)


def test_a_verdict_is_plain_json(photos: Any, detector: DriftDetector) -> None:
    values = detector.detect_drift(window_of(photos(60, seed=18, brightness=0.1))).to_dict()
    again = json.loads(json.dumps(values, allow_nan=False))
    assert again["state"] == "drift"
    assert again["changes"][0]["since"].startswith("2026-05-01T")


def labelled(records: Sequence[PredictionRecord], robins: float, seed: int) -> Window:
    """Boxes are robins at this rate."""
    rng = np.random.default_rng(seed)
    return window_of(
        [
            replace(
                record,
                boxes=tuple(
                    replace(box, label="robin" if rng.random() < robins else "bird")
                    for box in record.boxes
                ),
            )
            for record in records
        ]
    )


def test_another_mix_of_classes_is_drift_and_nothing_else_is(photos: Any) -> None:
    classes = ("bird", "robin")
    detector = DriftDetector(labelled(photos(200, seed=1), 0.2, 1), CONFIG, classes=classes)
    calm = detector.detect_drift(labelled(photos(150, seed=3), 0.2, 2))
    assert calm.state == State.OK
    assert not change_of(calm, "class:robin").drifted
    mixed = detector.detect_drift(labelled(photos(150, seed=3), 0.5, 2))
    assert mixed.drifted[0].column == "class:robin"
    assert {change.column for change in mixed.drifted} <= {
        "class:robin", "count:robin", "count:bird",
    }  # fmt: skip
    assert mixed.reason.startswith("Fraction of boxes that are robins rose: ")


@pytest.mark.parametrize(("before", "after"), [(0.0, 0.2), (0.2, 0.0)])
def test_a_class_that_appears_or_vanishes_is_drift(
    photos: Any, before: float, after: float
) -> None:
    classes = ("bird", "robin")
    detector = DriftDetector(labelled(photos(200, seed=1), before, 1), CONFIG, classes=classes)
    verdict = detector.detect_drift(labelled(photos(100, seed=3), after, 2))
    assert change_of(verdict, "count:robin").drifted


def test_another_shape_of_boxes_is_drift(photos: Any, detector: DriftDetector) -> None:
    """Twice as wide and half as high: size and position stay."""
    flat = [
        replace(
            record,
            boxes=tuple(
                replace(
                    box,
                    x_min_px=(box.x_min_px + box.x_max_px) / 2 - (box.x_max_px - box.x_min_px),
                    x_max_px=(box.x_min_px + box.x_max_px) / 2 + (box.x_max_px - box.x_min_px),
                    y_min_px=(3 * box.y_min_px + box.y_max_px) / 4,
                    y_max_px=(box.y_min_px + 3 * box.y_max_px) / 4,
                )
                for box in record.boxes
            ),
        )
        for record in photos(150, seed=3)
    ]
    verdict = detector.detect_drift(window_of(flat))
    assert [change.column for change in verdict.drifted] == ["box_shape"]
