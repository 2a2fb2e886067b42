"""The score of training and tuning: F-beta of validation photos at their best threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sparrow.config import EvaluationConfig
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.average_precision import average_precision
from sparrow.evaluation.matching import FlatDetections, flatten
from sparrow.evaluation.metrics import choose_threshold, f_beta, precision, recall


class ThresholdScore(NamedTuple):
    """Pooled scores at IoU ``config.iou`` and the threshold that gives them, each in 0..1."""

    f_beta: float
    precision: float
    recall: float
    threshold: float
    ap: float = 0.0  # average precision at that IoU, over all thresholds


def make_score(
    dataset: Dataset, class_names: Sequence[str], config: EvaluationConfig
) -> Callable[[Mapping[str, Detections]], ThresholdScore]:
    """A function of the detections of ``dataset``'s photos; the threshold maximises F-beta."""

    def score(predictions: Mapping[str, Detections]) -> ThresholdScore:
        flat = flatten(dataset, predictions, class_names)
        threshold = choose_threshold(flat, config)
        kept = flat.above(threshold)
        tp = int((kept & flat.right(config.iou)).sum())
        fp, fn = int(kept.sum()) - tp, len(flat.truth_label) - tp
        return ThresholdScore(
            float(f_beta(tp, fp, fn, config.beta)),
            float(precision(tp, fp, fn)),
            float(recall(tp, fn)),
            threshold,
            _average_precision(flat, config.iou),
        )

    return score


def _average_precision(flat: FlatDetections, iou: float) -> float:
    """COCO's, at one IoU; where there is no object, 1 if nothing is detected, and 0 if not."""
    if not len(flat.truth_label):
        return float(not len(flat.detection_label))
    whole = np.zeros(len(flat.photos), dtype=np.int64)  # all photos in one group, once
    return float(average_precision(flat, flat.matched([iou]), whole, np.ones((1, 1)))[0, 0])
