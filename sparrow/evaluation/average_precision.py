"""COCO's average precision and average recall, for one set of photos or a thousand resamples.

The definition is pycocotools' (101 recall points, precision made monotone, mean over classes that
have a true box), without its limit of 100 detections per photo; the tests hold the two equal to
1e-9. pycocotools itself loops in Python over photos, thresholds and boxes: minutes for 200,000
boxes, hours for their bootstrap. Here the cumulative sums are weighted by how often each author
group was drawn, so one pass gives every resample exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparrow.evaluation.matching import Bools, Floats, Ints, Pool, match

COCO_IOUS = np.linspace(0.5, 0.95, 10)
RECALL_POINTS = np.linspace(0.0, 1.0, 101)
# COCO's sizes, in square pixels of the photo as evaluated.
SIZE_RANGES_PX = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
CHUNK_NUMBERS = 4_000_000  # in one temporary array: 32 MB


def average_precision(
    pool: Pool, matches: Ints, photo_group: Ints, weights: NDArray[np.float64]
) -> Floats:
    """Mean AP over classes, for each resample and IoU.

    Args:
        matches: [T, D] from ``match``.
        photo_group: [photos] group numbers.
        weights: [B, groups] how often each group counts; ones for the set itself.

    Returns:
        [B, T]; NaN where a resample holds no true box at all.
    """
    per_class = []
    for label in np.unique(pool.truth_label):
        chosen = np.flatnonzero(pool.detection_label == label)
        chosen = chosen[np.argsort(-pool.detection_score[chosen], kind="stable")]
        truths = np.bincount(
            photo_group[pool.truth_photo[pool.truth_label == label]], minlength=weights.shape[1]
        )
        groups = photo_group[pool.detection_photo[chosen]]
        per_class.append(_weighted_ap(matches[:, chosen] >= 0, groups, truths, weights))
    if not per_class:
        return np.full((len(weights), len(matches)), np.nan)
    stacked = np.stack(per_class)  # [classes, B, T]
    defined = (~np.isnan(stacked)).sum(axis=0)
    total = np.nansum(stacked, axis=0)
    return np.divide(total, defined, out=np.full(total.shape, np.nan), where=defined > 0)


def average_recall(pool: Pool, matches: Ints) -> float:
    """Recall of all detections kept, mean over IoUs and classes; NaN without true boxes."""
    recalls = [
        ((matches >= 0) & (pool.detection_label == label)).sum(axis=1)
        / (pool.truth_label == label).sum()
        for label in np.unique(pool.truth_label)
    ]
    return float(np.mean(recalls)) if recalls else float("nan")


def size_scores(pool: Pool) -> dict[str, float]:
    """``ap_small``, ``ar_small`` … : AP50:95 and AR of true boxes of one size; NaN if none."""
    scores: dict[str, float] = {}
    for size, (low, high) in SIZE_RANGES_PX.items():
        # Both ends belong to the range, as in pycocotools.
        truth_out = (pool.truth_area_px < low) | (pool.truth_area_px > high)
        detection_out = (pool.detection_area_px < low) | (pool.detection_area_px > high)
        matches = match(pool, COCO_IOUS.tolist(), truth_out)
        found = matches >= 0
        in_range = found & ~np.append(truth_out, True)[matches]  # -1 reads the appended
        # Neither right nor wrong: matched to an ignored box, or unmatched and of another size.
        skipped = np.where(found, ~in_range, detection_out)
        aps, recalls = [], []
        for label in np.unique(pool.truth_label[~truth_out]):
            n_truths = int(((pool.truth_label == label) & ~truth_out).sum())
            chosen = np.flatnonzero(pool.detection_label == label)
            chosen = chosen[np.argsort(-pool.detection_score[chosen], kind="stable")]
            for right, skip in zip(in_range[:, chosen], skipped[:, chosen], strict=True):
                aps.append(_plain_ap(right[~skip], n_truths))
                recalls.append(right.sum() / n_truths)
        scores[f"ap_{size}"] = float(np.mean(aps)) if aps else float("nan")
        scores[f"ar_{size}"] = float(np.mean(recalls)) if recalls else float("nan")
    return scores


def _plain_ap(right: Bools, n_truths: int) -> float:
    one_group = np.zeros(len(right), dtype=np.int64)
    return float(_weighted_ap(right[None], one_group, np.array([n_truths]), np.ones((1, 1)))[0, 0])


def _weighted_ap(right: Bools, groups: Ints, truths: Ints, weights: Floats) -> Floats:
    """[B, T] AP of one class; ``right`` [T, D] and ``groups`` [D] by falling score."""
    ap = np.zeros((len(weights), len(right)))
    # Precision peaks at a right detection, so what follows the last one does not matter.
    length = int(np.flatnonzero(right.any(axis=0))[-1]) + 1 if right.any() else 0
    right, groups = right[:, :length], groups[:length]
    total = weights @ truths  # [B]
    step = max(1, CHUNK_NUMBERS // max(length, 1))
    for start in range(0, len(weights) if length else 0, step):
        weight = np.take(weights[start : start + step], groups, axis=1)  # [b, D]
        seen = np.cumsum(weight, axis=1)
        for t, hits in enumerate(right):
            places = np.flatnonzero(hits)
            if len(places):
                hit_weight = np.cumsum(weight[:, places], axis=1)  # [b, hits]
                n = total[start : start + step]
                ap[start : start + step, t] = _interpolate(hit_weight, seen[:, places], n)
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
