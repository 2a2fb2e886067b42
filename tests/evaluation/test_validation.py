"""What an epoch and a trial are chosen by: pooled scores at the best threshold, and AP."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sparrow.config import EvaluationConfig
from sparrow.data.tables import XYXY
from sparrow.detections import Detections
from sparrow.evaluation.validation import make_score

CONFIG = EvaluationConfig(iou=0.5)


def found(boxes, scores):
    return Detections(
        np.asarray(boxes, dtype=np.float32).reshape(-1, 4),
        np.asarray(scores, dtype=np.float32),
        np.ones(len(scores), dtype=np.int64),
    )


def truths(dataset, name):
    return dataset.boxes.loc[dataset.boxes["image"] == name, XYXY].to_numpy()


def test_no_object(dataset):
    empty = dataset.subset("validation")
    empty = replace(empty, boxes=empty.boxes.iloc[:0])
    score = make_score(empty, ("house_sparrow",), CONFIG)
    nothing = {name: found([], []) for name in empty.images["image"]}
    assert (score(nothing).ap, score(nothing).f_beta) == (1.0, 1.0)
    first = next(iter(nothing))
    assert score({**nothing, first: found([[0, 0, 9, 9]], [0.9])}).ap == 0.0


def test_ap_is_over_all_thresholds(dataset):
    held_out = dataset.subset("validation")
    score = make_score(held_out, ("house_sparrow",), CONFIG)
    names = list(held_out.images["image"])
    perfect = {name: found(boxes := truths(held_out, name), [0.9] * len(boxes)) for name in names}
    assert score(perfect)[:3] == (1.0, 1.0, 1.0)
    assert score(perfect).ap == pytest.approx(1.0)
    # A false detection above all others costs precision at every recall: n / (n + 1) at best.
    n = len(held_out.boxes)
    worse = dict(perfect)
    first = worse[names[0]]
    worse[names[0]] = found(
        [[0, 0, 5, 5], *first.boxes_xyxy.tolist()], [0.99, *first.scores.tolist()]
    )
    assert score(worse).ap == pytest.approx(n / (n + 1), abs=1e-6)
    nothing = {name: found([], []) for name in names}
    assert (score(nothing).ap, score(nothing).precision) == (0.0, 0.0)
