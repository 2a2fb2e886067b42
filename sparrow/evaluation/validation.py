"""The score of training and tuning: F-beta of validation photos at their best threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sparrow.config import EvaluationConfig
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.matching import flatten
from sparrow.evaluation.metrics import choose_threshold, f_beta, precision, recall


class ThresholdScore(NamedTuple):
    """Pooled scores at IoU ``config.iou`` and the threshold that gives them, each in 0..1."""

    f_beta: float
    precision: float
    recall: float
    threshold: float


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
        )

    return score
