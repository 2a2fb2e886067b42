"""Pooled scores and the choice of the threshold."""

from __future__ import annotations

import numpy as np
import pytest

from sparrow.config import EvaluationConfig
from sparrow.data.tables import XYXY
from sparrow.detections import Detections
from sparrow.evaluation.matching import flatten, match
from sparrow.evaluation.metrics import (
    choose_threshold,
    f_beta,
    precision,
    recall,
    sweep,
    threshold_for_recall,
)

CONFIG = EvaluationConfig()


@pytest.mark.parametrize(
    ("tp", "fp", "fn", "expected"),
    [
        (0, 0, 0, (1, 1, 1)),  # nothing to find, nothing found
        (0, 0, 3, (0, 0, 0)),  # birds, and none found
        (0, 2, 0, (0, 1, 0)),  # no birds, and two found
        (3, 1, 0, (3 / 4, 1, 15 / 16)),  # 5*3 / (5*3 + 1)
        (1, 0, 1, (1, 1 / 2, 5 / 9)),  # 5 / (5 + 4)
    ],
)
def test_ratios(tp, fp, fn, expected):
    scores = precision(tp, fp, fn), recall(tp, fn), f_beta(tp, fp, fn, 2.0)
    assert [float(x) for x in scores] == pytest.approx(expected)


def test_equal_an_independent_plain_implementation(random_case):
    for seed in range(500):
        dataset, predictions = random_case(seed)
        rng = np.random.default_rng(seed)
        iou, threshold = rng.choice([[0.4, 0.05], [0.5, 0.35], [0.75, 0.6]]).tolist()
        pool = flatten(dataset, predictions, ["c1", "c2", "c3"])
        kept, found = pool.above(threshold), match(pool, [iou])[0] >= 0
        tp = int((kept & found).sum())
        assert (tp, int(kept.sum()) - tp, len(pool.truth_label) - tp) == plain_counts(
            dataset, predictions, iou, threshold
        ), seed


def plain_counts(dataset, predictions, iou, threshold):
    """TP, FP, FN by nested loops, as the design's sentence says it."""
    tp = fp = fn = 0
    for image, truths in dataset.boxes_by_image().items():
        for number, name in enumerate(["c1", "c2", "c3"], start=1):
            free = truths[truths["label"] == name][XYXY].to_numpy(dtype=float).tolist()
            one = predictions[image].above(threshold)
            for box in one.boxes_xyxy[one.labels == number].tolist():
                overlaps = [plain_iou(box, bird) for bird in free]
                if max(overlaps, default=0) >= iou:
                    free.pop(overlaps.index(max(overlaps)))
                    tp += 1
                else:
                    fp += 1
            fn += len(free)
    return tp, fp, fn


def plain_iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return shared / (sum(areas) - shared)


@pytest.fixture
def three_of_four(make_dataset, found):
    """Four birds in two photos; scores .9 right, .8 right, .6 wrong, .5 right, .5 wrong."""
    birds = [("bird", 0.0, 0.0, 10.0, 10.0), ("bird", 50.0, 0.0, 60.0, 10.0)]
    dataset = make_dataset({"a.jpg": birds, "b.jpg": birds})
    a = found((1, 0.9, 0, 0, 10, 10), (1, 0.6, 90, 0, 99, 10), (1, 0.5, 50, 0, 60, 10))
    b = found((1, 0.8, 0, 0, 10, 10), (1, 0.5, 90, 0, 99, 10))
    return dataset, {"a.jpg": a, "b.jpg": b}


def test_sweep(three_of_four):
    pool = flatten(*three_of_four, ["bird"])
    curve = sweep(pool, match(pool, [0.5])[0] >= 0, 2.0)
    assert curve.threshold == pytest.approx([0.9, 0.8, 0.6, 0.5])  # the tie at 0.5 is one row
    assert curve.precision == pytest.approx([1, 1, 2 / 3, 3 / 5])
    assert curve.recall == pytest.approx([1 / 4, 2 / 4, 2 / 4, 3 / 4])
    assert curve.f_beta == pytest.approx([5 / 17, 10 / 18, 10 / 19, 15 / 21])
    assert curve.start == 0


def test_sweep_of_nothing(make_dataset):
    pool = flatten(make_dataset({"a.jpg": []}), {"a.jpg": Detections.empty()}, ["bird"])
    curve = sweep(pool, np.zeros(0, bool), 2.0)
    assert (len(curve.threshold), curve.start) == (0, 1)
    assert curve.thinned() == {"threshold": [], "precision": [], "recall": [], "f_beta": []}


def test_threshold_keeps_the_best_rows_with_room_below(three_of_four):
    # F2 is best (15/21) at 0.5, the last row: half-way down to min_score.
    assert choose_threshold(flatten(*three_of_four, ["bird"]), CONFIG) == pytest.approx(0.275)
    # With beta 0.5 precision rules: best at 0.8 (F = 1.25*2 / (1.25*2 + .25*2)), next is 0.6.
    precise = EvaluationConfig(beta=0.5)
    assert choose_threshold(flatten(*three_of_four, ["bird"]), precise) == pytest.approx(0.7)


def test_of_equal_maxima_the_higher_threshold_wins(make_dataset, found):
    # F1 is 2*1/(2*1+1) = 2/3 with the first alone and 2*2/(2*2+2) = 2/3 with all four.
    birds = [("bird", 0.0, 0.0, 10.0, 10.0), ("bird", 50.0, 0.0, 60.0, 10.0)]
    one = found(
        (1, 0.9, 0, 0, 10, 10),
        (1, 0.7, 90, 0, 99, 9),
        (1, 0.6, 90, 90, 99, 99),
        (1, 0.5, 50, 0, 60, 10),
    )
    dataset = make_dataset({"a.jpg": birds})
    chosen = choose_threshold(
        flatten(dataset, {"a.jpg": one}, ["bird"]), EvaluationConfig(beta=1.0)
    )
    assert chosen == pytest.approx(0.8)


def test_without_birds_nothing_is_kept(make_dataset, found):
    dataset = make_dataset({"a.jpg": []})
    assert (
        choose_threshold(flatten(dataset, {"a.jpg": Detections.empty()}, ["bird"]), CONFIG) == 1.0
    )
    one = {"a.jpg": found((1, 0.9, 0, 0, 10, 10))}
    assert choose_threshold(flatten(dataset, one, ["bird"]), CONFIG) == 1.0


def test_neighbouring_scores_have_no_middle(make_dataset, found):
    high = np.float32(0.5)
    low = np.nextafter(high, np.float32(0))
    one = found((1, high, 0, 0, 10, 10), (1, low, 90, 0, 99, 10))
    dataset = make_dataset({"a.jpg": [("bird", 0.0, 0.0, 10.0, 10.0)]})
    chosen = choose_threshold(flatten(dataset, {"a.jpg": one}, ["bird"]), CONFIG)
    assert len(one.above(chosen)) == 1


def test_threshold_for_recall(three_of_four):
    assert threshold_for_recall(flatten(*three_of_four, ["bird"]), 0.5, CONFIG) == pytest.approx(
        0.7
    )
    assert (
        threshold_for_recall(flatten(*three_of_four, ["bird"]), 0.9, CONFIG) is None
    )  # 0.75 at most
