"""How far two detectors agree, by detections that are made up."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sparrow.detections import Detections
from sparrow.export.parity import agreement

PHOTO = np.zeros((100, 100, 3), np.uint8)


def finder(*rows):
    """A detector that finds the same rows (x1, y1, x2, y2, score) in every photo."""
    table = np.array(rows, np.float32).reshape(-1, 5)
    found = Detections(table[:, :4], table[:, 4], np.ones(len(table), np.int64))
    return lambda _: found


def test_no_photo_and_no_detection_agree():
    nothing = {"detections": 0.0, "share": 1.0, "median_score_difference": 0.0}
    assert agreement(finder(), finder(), [], 0.1, 1) == nothing
    assert agreement(finder(), finder(), [PHOTO], 0.1, 1) == nothing


def test_score_and_place_have_their_own_tolerance():
    one, other = finder((10, 10, 50, 50, 0.9)), finder((10, 10, 50, 52, 0.8))
    assert agreement(one, other, [PHOTO], 0.15, 3)["share"] == 1
    assert agreement(one, other, [PHOTO], 0.05, 3)["share"] == 0  # 0.1 apart in score
    assert agreement(one, other, [PHOTO], 0.15, 1)["share"] == 0  # 2 px apart
    found = agreement(one, other, [PHOTO], 0.15, 3)
    assert found["median_score_difference"] == pytest.approx(0.1)
    assert found["detections"] == 2  # one of either side


def test_a_box_that_only_one_of_them_finds_counts_against_them():
    one = finder((10, 10, 50, 50, 0.9))
    other = finder((10, 10, 50, 50, 0.9), (60, 60, 90, 90, 0.5))
    for pair in ((one, other), (other, one)):
        assert agreement(*pair, [PHOTO], 0.1, 1)["share"] == pytest.approx(2 / 3)
    assert agreement(finder(), one, [PHOTO], 0.1, 1)["share"] == 0


def test_unsure_detections_are_left_out():
    one, other = (
        finder((10, 10, 50, 50, 0.9), (60, 60, 90, 90, 0.19)),
        finder((10, 10, 50, 50, 0.9)),
    )
    assert agreement(one, other, [PHOTO], 0.1, 1) == {
        "detections": 2.0, "share": 1.0, "median_score_difference": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("labels", [(1, 2), (2, 1), (3, 7)])
def test_the_same_box_of_another_class_is_no_agreement(labels):
    """Beside it a box of the right class lies 3 px off: a counterpart, and within 3 px only."""
    one, other = (
        lambda _, label=label: Detections(
            np.array([[10, 10, 50, 50]], np.float32), np.array([0.9], np.float32), np.array([label])
        )
        for label in labels
    )
    found = agreement(one, other, [PHOTO], 0.1, 1)
    assert found["share"] == 0
    assert found["median_score_difference"] == pytest.approx(0.9)

    def both(_):
        boxes = np.array([[10, 10, 50, 50], [10, 10, 50, 53]], np.float32)
        return Detections(boxes, np.array([0.9, 0.85], np.float32), np.array(labels[::-1]))

    assert agreement(one, both, [PHOTO], 0.1, 1)["share"] < 1
    assert agreement(one, both, [PHOTO], 0.1, 3)["share"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("scores", [(0.9,), (0.5, 0.3), (0.99, 0.2, 0.6)])
def test_what_the_other_does_not_find_differs_by_its_whole_score(scores):
    found = agreement(finder(*((9, 9, 20, 20, s) for s in scores)), finder(), [PHOTO], 0.1, 1)
    assert found["median_score_difference"] == pytest.approx(np.median(scores))
    json.dumps(found, allow_nan=False)  # model.json holds it
