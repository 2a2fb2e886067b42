"""Hand-made matchings with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from sparrow.detections import Detections
from sparrow.evaluation.matching import flatten, match

BIRD = ("bird", 0.0, 0.0, 10.0, 10.0)


def test_no_truth_and_no_detections(make_dataset):
    pool = flatten(make_dataset({"a.jpg": []}), {"a.jpg": Detections.empty()}, ["bird"])
    assert match(pool, [0.5, 0.9]).shape == (2, 0)


def test_no_truth(make_dataset, found):
    pool = flatten(make_dataset({"a.jpg": []}), {"a.jpg": found((1, 0.9, 0, 0, 5, 5))}, ["bird"])
    assert match(pool, [0.5]).tolist() == [[-1]]


def test_no_detections(make_dataset):
    pool = flatten(make_dataset({"a.jpg": [BIRD]}), {"a.jpg": Detections.empty()}, ["bird"])
    assert match(pool, [0.5]).shape == (1, 0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Two boxes on one bird: the better score has it, the other finds nothing.
        ([(1, 0.9, 0, 0, 10, 9), (1, 0.8, 0, 0, 10, 10)], [0, -1]),
        # Equal scores: the first in the list has it.
        ([(1, 0.9, 0, 0, 10, 9), (1, 0.9, 0, 0, 10, 10)], [0, -1]),
        # The right place, another class.
        ([(2, 0.9, 0, 0, 10, 10)], [-1]),
        # IoU is exactly 0.5, and 0.5 is enough.
        ([(1, 0.9, 0, 0, 10, 5)], [0]),
        # IoU is 0.49.
        ([(1, 0.9, 0, 0, 10, 4.9)], [-1]),
    ],
)
def test_one_bird(make_dataset, found, rows, expected):
    pool = flatten(make_dataset({"a.jpg": [BIRD]}), {"a.jpg": found(*rows)}, ["bird", "owl"])
    assert match(pool, [0.5])[0].tolist() == expected


def test_crossed_boxes(make_dataset, found):
    # The first detection overlaps both birds and takes the one it fits better (the second,
    # IoU 9/11 against 7/13); the next one, which fits the second bird perfectly, is too late
    # for it and gets the first (IoU 6/14 < 0.5) only at a low threshold.
    truth = [("bird", 0.0, 0.0, 10.0, 10.0), ("bird", 4.0, 0.0, 14.0, 10.0)]
    rows = [(1, 0.9, 3, 0, 13, 10), (1, 0.8, 4, 0, 14, 10)]
    pool = flatten(make_dataset({"a.jpg": truth}), {"a.jpg": found(*rows)}, ["bird"])
    assert match(pool, [0.5, 0.4]).tolist() == [[1, -1], [1, 0]]


def test_a_bird_is_not_found_from_another_photo(make_dataset, found):
    predictions = {"a.jpg": Detections.empty(), "b.jpg": found((1, 0.9, 0, 0, 10, 10))}
    pool = flatten(make_dataset({"a.jpg": [BIRD], "b.jpg": []}), predictions, ["bird"])
    assert match(pool, [0.5]).tolist() == [[-1]]


def test_cutting_at_a_threshold_keeps_the_matches(random_case):
    for seed in range(30):
        dataset, predictions = random_case(seed)
        names = ["c1", "c2", "c3"]
        pool = flatten(dataset, predictions, names)
        cut = {image: one.above(0.5) for image, one in predictions.items()}
        expected = match(pool, [0.5])[0][pool.above(0.5)]
        assert np.array_equal(match(flatten(dataset, cut, names), [0.5])[0], expected)


def test_faults_are_named(make_dataset, found):
    dataset = make_dataset({"a.jpg": [BIRD], "b.jpg": []})
    empty = Detections.empty()
    with pytest.raises(ValueError, match=r"none for 1, the first being b\.jpg"):
        flatten(dataset, {"a.jpg": empty}, ["bird"])
    with pytest.raises(ValueError, match="'bird' is not known"):
        flatten(dataset, {"a.jpg": empty, "b.jpg": empty}, ["owl"])
    with pytest.raises(ValueError, match="found 2: these predictions come from a model"):
        flatten(dataset, {"a.jpg": found((2, 0.9, 0, 0, 1, 1)), "b.jpg": empty}, ["bird"])
    with pytest.raises(ValueError, match="at least one photo"):
        flatten(make_dataset({}), {}, ["bird"])
