"""Boxes: drawn where they should be, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from sparrow.drawing.boxes import TRUTH_COLOR, BoxStyle, draw_boxes

GREY = np.full((200, 300, 3), 128, np.uint8)
AMBER = (255, 176, 0)


def colored(picture: np.ndarray, color: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the pixels of a colour."""
    y, x = np.nonzero((picture == color).all(axis=2))
    return int(x.min()), int(y.min()), int(x.max()), int(y.max())


def test_no_boxes_change_nothing():
    drawn = draw_boxes(GREY, np.zeros((0, 4)), np.zeros(0))
    assert np.array_equal(drawn, GREY)


def test_a_box_lies_on_its_coordinates_and_the_photo_is_not_touched():
    drawn = draw_boxes(GREY, [[50, 60, 120, 140]], None)
    assert colored(drawn, AMBER) == (50, 60, 120, 140)
    assert (drawn[65:135, 55:115] == 128).all()  # the object itself stays visible
    assert (GREY == 128).all()


@pytest.mark.parametrize("box", [[50, 0, 120, 140], [280, 60, 300, 140], [-20, -20, 10, 10]])
def test_labels_stay_inside_the_photo(box):
    drawn = draw_boxes(GREY, [box], [0.87])
    plain = draw_boxes(GREY, [box], [0.87], BoxStyle(show_scores=False))
    label = (drawn != plain).any(axis=2)
    assert label.sum() > 150  # as many pixels as "87%" on its ground needs
    assert drawn.shape == GREY.shape


def test_truth_is_dashed():
    drawn = draw_boxes(GREY, [[50, 60, 120, 140]], style=BoxStyle(TRUTH_COLOR, dashed=True))
    row = (drawn[60, 50:121] == 255).all(axis=1)
    assert 0.3 < row.mean() < 0.7


def test_better_scores_are_above_others():
    boxes, line = [[50, 60, 120, 140], [50, 60, 120, 140]], BoxStyle("#ff0000")
    alone = draw_boxes(GREY, boxes[:1], [0.9], line)
    both = draw_boxes(GREY, boxes, [0.9, 0.2], line)
    assert colored(both, (255, 0, 0))[0] == 50
    label = (alone != draw_boxes(GREY, boxes[:1], None, line)).any(axis=2)
    assert np.array_equal(both[label], alone[label])  # "90%" hides "20%", not the other way
