"""The score training and tuning steer by: F-beta of validation photos at their best threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sparrow.config import EvaluationConfig
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.matching import flatten, match
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
        threshold = choose_threshold(dataset, predictions, class_names, config)
        kept = {image: found.above(threshold) for image, found in predictions.items()}
        pool = flatten(dataset, kept, class_names)
        tp = int((match(pool, [config.iou])[0] >= 0).sum())
        fp, fn = len(pool.detection_score) - tp, len(pool.truth_label) - tp
        return ThresholdScore(
            float(f_beta(tp, fp, fn, config.beta)),
            float(precision(tp, fp, fn)),
            float(recall(tp, fn)),
            threshold,
        )

    return score
