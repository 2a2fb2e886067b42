"""Box arithmetic, empty boxes first."""

from __future__ import annotations

import numpy as np
import pytest

from sparrow.boxes import (
    as_boxes,
    box_areas,
    box_iou,
    clip_boxes,
    paired_iou,
    xywh_to_xyxy,
    xyxy_to_xywh,
)


def test_no_boxes():
    assert as_boxes([]).shape == (0, 4)
    assert xywh_to_xyxy([]).shape == xyxy_to_xywh([]).shape == clip_boxes([], 9, 9).shape == (0, 4)
    assert box_areas([]).shape == (0,)
    assert box_iou([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert box_iou([[0, 0, 1, 1]], []).shape == (1, 0)


def test_spellings():
    # A box at (10, 20), 30 wide and 40 high, ends at (40, 60): not at 30, 40 and not at 39, 59.
    assert xywh_to_xyxy([[10, 20, 30, 40]]).tolist() == [[10, 20, 40, 60]]
    assert xyxy_to_xywh([[10, 20, 40, 60]]).tolist() == [[10, 20, 30, 40]]


def test_the_input_is_not_changed():
    boxes = np.array([[10.0, 20.0, 30.0, 40.0]])
    xywh_to_xyxy(boxes)
    xyxy_to_xywh(boxes)
    clip_boxes(boxes, 5, 5)
    assert boxes.tolist() == [[10, 20, 30, 40]]


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ([2, 3, 8, 9], [2, 3, 8, 9]),
        ([-2, -3, 8, 9], [0, 0, 8, 9]),
        ([5, 5, 200, 100], [5, 5, 20, 10]),
        ([30, 2, 40, 8], [20, 2, 20, 8]),  # right of the photo: area 0
    ],
)
def test_clip(box, clipped):
    assert clip_boxes([box], 20, 10).tolist() == [clipped]


def test_areas():
    assert box_areas([[0, 0, 4, 5], [3, 3, 3, 9]]).tolist() == [20, 0]


@pytest.mark.parametrize(
    ("a", "b", "iou"),
    [
        ([0, 0, 4, 4], [0, 0, 4, 4], 1.0),
        ([0, 0, 4, 4], [4, 0, 8, 4], 0.0),  # they touch
        ([0, 0, 4, 4], [2, 0, 6, 4], 8 / 24),  # half of each of two squares of 16
        ([0, 0, 4, 4], [1, 1, 3, 3], 4 / 16),  # one inside the other
        ([0, 0, 4, 4], [6, 6, 9, 9], 0.0),
        ([2, 2, 2, 2], [2, 2, 2, 2], 0.0),  # nothing with nothing
    ],
)
def test_iou(a, b, iou):
    assert box_iou([a], [b])[0, 0] == pytest.approx(iou)
    assert box_iou([b], [a])[0, 0] == pytest.approx(iou)


def test_iou_of_every_pair():
    a = [[0, 0, 2, 2], [0, 0, 1, 1]]
    b = [[0, 0, 2, 2], [1, 1, 2, 2], [5, 5, 6, 6]]
    assert box_iou(a, b).tolist() == [[1, 0.25, 0], [0.25, 0, 0]]


def test_iou_of_pairs_is_the_diagonal_of_all_with_all():
    assert paired_iou([], []).shape == (0,)
    rng = np.random.default_rng(0)
    a, b = (np.sort(rng.uniform(0, 9, (7, 2, 2)), axis=1).reshape(7, 4) for _ in range(2))
    assert paired_iou(a, b).tolist() == np.diagonal(box_iou(a, b)).tolist()
