"""What cannot be is drift at once: a score outside 0..1, a class that the model does not know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitoring.drift_detector import DriftDetector
from monitoring.verdict import DriftVerdict, State
from sparrow.config import MonitoringConfig
from sparrow.predictions.record import LoggedBox, PredictionRecord
from sparrow.predictions.window import window_of

CLASSES = ("bird", "robin")


@pytest.fixture(scope="module")
def detector(photos: Any) -> DriftDetector:
    reference = window_of(photos(60, seed=1))
    return DriftDetector(reference, MonitoringConfig(windows=(25,)), classes=CLASSES)


def with_box(records: list[PredictionRecord], label: str, score: float) -> DriftVerdict | Any:
    """The last but one of the photos has one more box."""
    box = LoggedBox(label, score, 100, 100, 200, 200)
    changed = replace(records[-2], boxes=(*records[-2].boxes, box))
    return window_of([*records[:-2], changed, records[-1]])


def drifted(verdict: DriftVerdict) -> list[str]:
    return [change.column for change in verdict.drifted]


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_scores_and_classes_that_can_be_are_fine(
    photos: Any, detector: DriftDetector, score: float
) -> None:
    verdict = detector.detect_drift(with_box(photos(60, seed=2), "robin", score))
    assert not {"score_range", "known_class"} & set(drifted(verdict))
    words = {change.column: change.words for change in verdict.changes}
    assert words["score_range"].endswith("scores lie in 0 to 1.")
    assert words["known_class"].endswith("classes that the model knows (bird, robin).")


@pytest.mark.parametrize("score", [-0.001, 1.001, float("nan"), float("inf")])
@pytest.mark.parametrize("n", [2, 60])
def test_a_single_score_that_is_none_is_drift_however_few_photos_there_are(
    photos: Any, detector: DriftDetector, score: float, n: int
) -> None:
    records = photos(n, seed=2)
    verdict = detector.detect_drift(with_box(records, "bird", score))
    assert (verdict.state, verdict.exit_code) == (State.DRIFT, 3)
    assert drifted(verdict)[0] == "score_range"
    assert verdict.changes[0].since == records[-2].time
    assert verdict.reason.startswith("1 of ")
    assert "scores do not lie in 0 to 1" in verdict.reason


def test_a_class_that_the_model_does_not_know_is_drift(
    photos: Any, detector: DriftDetector
) -> None:
    verdict = detector.detect_drift(with_box(photos(60, seed=2), "cat\x1b", 0.5))
    assert drifted(verdict)[0] == "known_class"
    assert "does not know (cat\ufffd; it knows bird, robin)" in verdict.reason


def test_where_the_classes_are_not_known_none_is_called_unknown(photos: Any) -> None:
    unnamed = DriftDetector(window_of(photos(60, seed=1)), MonitoringConfig(windows=(25,)))
    verdict = unnamed.detect_drift(with_box(photos(60, seed=2), "cat", 0.5))
    assert "known_class" not in [change.column for change in verdict.changes]


def test_without_photos_nothing_is_broken(detector: DriftDetector) -> None:
    verdict = detector.detect_drift(window_of([]))
    assert verdict.state == State.TOO_FEW
    assert not verdict.drifted
