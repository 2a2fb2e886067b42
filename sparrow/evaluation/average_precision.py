"""COCO's average precision for a thousand resamples at once: the intervals of AP.

The number itself is pycocotools' (``coco``); its definition (101 recall points, precision made
monotone, mean over classes that have a true box) is repeated here with cumulative sums that are
weighted by how often each author group was drawn, so that one pass gives every resample exactly.
With pycocotools a thousand resamples of 200,000 boxes would take an hour. ``resampled_ap`` compares
the two for the set itself, each time.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sparrow.evaluation.matching import Bools, FlatDetections, Floats, Ints

RECALL_POINTS = np.linspace(0.0, 1.0, 101)
TOLERANCE = 1e-9
CHUNK_NUMBERS = 4_000_000  # in one temporary array: 32 MB


def average_precision(
    flat: FlatDetections, matches: Ints, photo_group: Ints, weights: Floats
) -> Floats:
    """Mean AP over classes, for each resample and IoU.

    Args:
        matches: [T, D] from ``match``.
        photo_group: [photos] group numbers.
        weights: [B, groups] how often each group counts; ones for the set itself.

    Returns:
        [B, T]; NaN where a resample holds no true box at all.
    """
    per_class = class_average_precision(flat, matches, photo_group, weights)
    if not per_class:
        return np.full((len(weights), len(matches)), np.nan)
    return _mean(per_class)


def class_average_precision(
    flat: FlatDetections, matches: Ints, photo_group: Ints, weights: Floats
) -> dict[int, Floats]:
    """AP of each class that has a true box, for each resample and IoU; see ``average_precision``.

    Returns:
        [B, T] by label; NaN where a resample holds no true box of the class.
    """
    per_class = {}
    for label in np.unique(flat.truth_label).tolist():
        chosen = np.flatnonzero(flat.detection_label == label)
        chosen = chosen[np.argsort(-flat.detection_score[chosen], kind="stable")]
        truths = np.bincount(
            photo_group[flat.truth_photo[flat.truth_label == label]], minlength=weights.shape[1]
        )
        groups = photo_group[flat.detection_photo[chosen]]
        per_class[label] = _weighted_ap(matches[:, chosen] >= 0, groups, truths, weights)
    return per_class


def _mean(per_class: Mapping[int, Floats]) -> Floats:
    stacked = np.stack(list(per_class.values()))  # [classes, B, T]
    defined = (~np.isnan(stacked)).sum(axis=0)
    total = np.nansum(stacked, axis=0)
    return np.divide(total, defined, out=np.full(total.shape, np.nan), where=defined > 0)


def resampled_ap(per_class: Mapping[int, Floats], own: Mapping[str, float]) -> dict[str, Floats]:
    """``ap50`` and ``ap50_95`` of every resample, each [B].

    Args:
        per_class: of ``class_average_precision`` at ``COCO_IOUS``, the set itself in the first row.
        own: the same scores of the set itself, from pycocotools.

    Raises:
        ArithmeticError: this module's scores of the set itself differ from pycocotools'.
    """
    ap = _mean(per_class) if per_class else np.full((1, 1), np.nan)
    scores = {"ap50": ap[:, 0], "ap50_95": ap.mean(axis=1)}
    for name, values in scores.items():
        if not np.isclose(values[0], own[name], rtol=0, atol=TOLERANCE, equal_nan=True):
            raise ArithmeticError(
                f"{name}: pycocotools says {own[name]}, the resampling {values[0]}; "
                "an interval for another number would be wrong"
            )
    return {name: values[1:] for name, values in scores.items()}


def _weighted_ap(right: Bools, groups: Ints, truths: Ints, weights: Floats) -> Floats:
    """[B, T] AP of one class; ``right`` [T, D] and ``groups`` [D] by falling score."""
    ap = np.zeros((len(weights), len(right)))
    # Only right detections change recall, and precision peaks at them: sums are needed there alone.
    ends = np.flatnonzero(right.any(axis=0))
    begins = np.append(0, ends[:-1] + 1)
    length = int(ends[-1]) + 1 if len(ends) else 0
    groups = groups[:length]
    total = weights @ truths  # [B]
    step = max(1, CHUNK_NUMBERS // max(length, 1))
    for start in range(0, len(weights) if length else 0, step):
        weight = np.take(weights[start : start + step], groups, axis=1)  # [b, D]
        hit_weight = weight[:, ends]
        seen = np.cumsum(np.add.reduceat(weight, begins, axis=1), axis=1)  # [b, any hits]
        for t, hits in enumerate(right[:, ends]):
            places = np.flatnonzero(hits)
            if len(places):
                hit_sum = np.cumsum(hit_weight[:, places], axis=1)  # [b, hits]
                n = total[start : start + step]
                ap[start : start + step, t] = _interpolate(hit_sum, seen[:, places], n)
    ap[total == 0] = np.nan
    return ap


def _interpolate(hits: Floats, seen: Floats, total: Floats) -> Floats:
    """[b] mean precision at the recall points from weighted counts at the right detections."""
    precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = hits / np.maximum(total, 1)[:, None]
    means = np.empty(len(hits))
    for row in range(len(hits)):
        place = np.searchsorted(recall[row], RECALL_POINTS, side="left")
        place = place[place < recall.shape[1]]  # recall points never reached have precision 0
        means[row] = precision[row, place].sum() / len(RECALL_POINTS)
    return means
