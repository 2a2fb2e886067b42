"""Precision, recall and F-beta of pooled counts, and the choice of the operating threshold.

All are ratios of sums over the whole set (sums first, division last). Empty cases:

- nothing to find and nothing found: precision, recall and F-beta are 1;
- nothing found where there are objects: precision, recall and F-beta are 0;
- something found where there are none: precision and F-beta are 0, recall is 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sparrow.config import EvaluationConfig
from sparrow.evaluation.matching import Bools, FlatDetections, Floats, Ints


def precision(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike) -> Floats:
    """Fraction of the detections that are objects, elementwise; empty cases as stated above."""
    right, wrong, missed = (np.asarray(x, dtype=np.float64) for x in (tp, fp, fn))
    return np.where(right + wrong > 0, _ratio(right, right + wrong), missed == 0)


def recall(tp: ArrayLike, fn: ArrayLike) -> Floats:
    """Fraction of the objects that are found, elementwise; 1 when there are none."""
    right, missed = np.asarray(tp, dtype=np.float64), np.asarray(fn, dtype=np.float64)
    return np.where(right + missed > 0, _ratio(right, right + missed), 1.0)


def f_beta(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, beta: float) -> Floats:
    """(1+b²)TP / ((1+b²)TP + b²FN + FP), elementwise (van Rijsbergen 1979); 1 when all are 0."""
    right, wrong, missed = (np.asarray(x, dtype=np.float64) for x in (tp, fp, fn))
    top = (1 + beta**2) * right
    bottom = top + beta**2 * missed + wrong
    return np.where(bottom > 0, _ratio(top, bottom), 1.0)


@dataclass(frozen=True, eq=False)
class Sweep:
    """Scores at every threshold that makes a difference, thresholds falling.

    Attributes:
        threshold, precision, recall, f_beta: [K]; row k keeps the detections whose score is at
            least ``threshold[k]``. The thresholds are the distinct scores.
        start: F-beta above them all, when nothing is kept.
    """

    threshold: Floats
    precision: Floats
    recall: Floats
    f_beta: Floats
    start: float

    def thinned(self, points: int = 400) -> dict[str, list[float]]:
        """At most ``points`` rows, evenly spaced, for a figure or JSON."""
        count = len(self.threshold)
        places = np.linspace(0, max(count - 1, 0), min(points, count))
        rows: Ints = np.unique(places.astype(np.int64))
        columns = {
            "threshold": self.threshold,
            "precision": self.precision,
            "recall": self.recall,
            "f_beta": self.f_beta,
        }
        return {name: [float(x) for x in column[rows]] for name, column in columns.items()}


def sweep(flat: FlatDetections, right: Bools, beta: float) -> Sweep:
    """Pooled scores at every threshold; ``right`` [D] marks the matched detections."""
    order = np.argsort(-flat.detection_score, kind="stable")
    score = flat.detection_score[order].astype(np.float64)
    tp = np.cumsum(right[order])
    last = np.flatnonzero(np.diff(score, append=-1.0))  # of each run of equal scores
    tp, seen = tp[last], last + 1
    fp, fn = seen - tp, len(flat.truth_label) - tp
    return Sweep(
        score[last],
        precision(tp, fp, fn),
        recall(tp, fn),
        f_beta(tp, fp, fn, beta),
        float(f_beta(0, 0, len(flat.truth_label), beta)),
    )


def choose_threshold(flat: FlatDetections, config: EvaluationConfig) -> float:
    """The operating threshold: where F-beta at ``config.iou`` is highest on *validation* data.

    Of equal maxima the highest threshold wins (fewer false detections for the same score), and the
    value is the middle between that score and the next lower one, so that rounding in another
    inference engine moves no detection across it. Never to be called on test data.

    Returns:
        A threshold in ``config.min_score`` .. 1; 1.0 when keeping nothing is best (no objects).
    """
    curve = sweep(flat, flat.right(config.iou), config.beta)
    allowed = curve.threshold >= config.min_score
    if not allowed.any() or curve.f_beta[allowed].max() <= curve.start:
        return 1.0
    best = int(np.argmax(np.where(allowed, curve.f_beta, -1.0)))
    return _below(curve, best, config.min_score)


def threshold_for_recall(
    flat: FlatDetections, wanted: float, config: EvaluationConfig
) -> float | None:
    """The highest threshold whose pooled recall at ``config.iou`` reaches ``wanted``.

    None where no threshold does: the model never finds as many.
    """
    curve = sweep(flat, flat.right(config.iou), config.beta)
    reached = np.flatnonzero((curve.recall >= wanted) & (curve.threshold >= config.min_score))
    if not len(reached):
        return None
    return _below(curve, int(reached[0]), config.min_score)


def _below(curve: Sweep, row: int, min_score: float) -> float:
    """The middle between a row's score and the next lower one: keeps just the same detections."""
    score = float(curve.threshold[row])
    lower = float(curve.threshold[row + 1]) if row + 1 < len(curve.threshold) else min_score
    middle = (score + max(lower, min(min_score, score))) / 2
    # Neighbouring float32 scores have no middle: it would round to one of them.
    return middle if np.float32(lower) < np.float32(middle) <= np.float32(score) else score


def _ratio(top: Floats, bottom: Floats) -> NDArray[np.float64]:
    return np.divide(top, bottom, out=np.zeros(np.broadcast(top, bottom).shape), where=bottom > 0)
