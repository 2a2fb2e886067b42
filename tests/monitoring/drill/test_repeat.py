"""Repetitions over records whose drift is known."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from monitoring.drift_detector import DriftDetector
from monitoring.drill.repeat import Scenario, Traffic, joined, one_run, repeat
from sparrow.config import MonitoringConfig
from sparrow.predictions.record import LoggedBox, PredictionRecord, new_id
from sparrow.predictions.window import window_of

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def records(n: int, seed: int, *, empty: bool = False) -> list[PredictionRecord]:
    rng = np.random.default_rng(seed)

    def one() -> PredictionRecord:
        lefts = [] if empty else rng.uniform(0, 300, rng.integers(1, 4)).tolist()
        boxes = tuple(
            LoggedBox("bird", float(rng.uniform(0.5, 1)), x, 10.0, x + 50.0, 60.0) for x in lefts
        )
        return PredictionRecord(
            id=new_id(), time=NOON, source="api", model_name="m", model_version="1",
            file_name="a.jpg", width_px=400, height_px=300, brightness=float(rng.uniform(0.3, 0.7)),
            contrast=0.2, sharpness=float(rng.uniform(0.05, 0.1)), saturation=0.3,
            count=len(boxes), boxes=boxes,
        )  # fmt: skip

    return [one() for _ in range(n)]


def traffic(n: int, seed: int, *, empty: bool = False) -> Traffic:
    return Traffic(window_of(records(n, seed, empty=empty)), [f"author {i // 3}" for i in range(n)])


@pytest.fixture(scope="module")
def detector() -> DriftDetector:
    return DriftDetector(window_of(records(120, 1)), MonitoringConfig(windows=(25, 100)))


def test_photos_are_sampled_author_by_author_none_twice() -> None:
    window = window_of(records(9, 0))
    authors = ["a", "b", "c"] * 3
    ids = dict(zip(window.photos["id"], authors, strict=True))
    sampled = Traffic(window, authors).sample(9, np.random.default_rng(4)).photos["id"]
    assert sampled.nunique() == 9
    names = [ids[one] for one in sampled]
    assert sum(a != b for a, b in pairwise(names)) == 2  # three runs of three


def test_more_than_there_are_cannot_be_sampled() -> None:
    with pytest.raises(ValueError, match="at most 9 photos"):
        traffic(9, 0).sample(10, np.random.default_rng(0))


def test_the_joined_window_has_the_boxes_of_its_photos_only() -> None:
    before, after = window_of(records(5, 0)), window_of(records(5, 1))
    window = joined(before, after, 2)
    assert len(window.photos) == 7
    assert window.photos["time"].is_monotonic_increasing
    assert len(window.boxes) == window.photos["n_detections"].sum()


def test_a_blackout_is_noticed_and_no_fault_is_not(detector: DriftDetector) -> None:
    healthy, dead = traffic(150, 2), traffic(60, 3, empty=True)
    blackout = Scenario(healthy, dead, history=120)
    found = repeat(detector, blackout, runs=(5, 25, 50), seed=0)
    assert found.noticed is not None
    assert found.noticed <= 25
    assert not found.before
    assert found.column in ("count", "empty")
    assert one_run(detector, blackout, photos=25, seed=1)
    calm = repeat(detector, Scenario(healthy, traffic(60, 4), history=120), runs=(25,), seed=0)
    assert (calm.noticed, calm.column) == (None, "")
