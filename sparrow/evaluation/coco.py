"""AP and AR as pycocotools computes them, from matches that are known already.

pycocotools matches boxes in a Python loop over photos, thresholds and boxes: 16 s for 200,000 of
them. ``match`` applies the same rule to arrays, so only that part is replaced (tests require the
whole to equal pycocotools' own result to 1e-9). All that follows from the matches, recall points,
monotone precision and means over classes, is ``COCOeval.accumulate``, without its limit of 100
detections per photo. faster-coco-eval is not used: it accumulates only what its own C++ matching
found, so these matches cannot be handed to it.
"""

from __future__ import annotations

import contextlib
import io
from copy import deepcopy
from typing import Any

import numpy as np
from pycocotools.cocoeval import COCOeval

from sparrow.evaluation.matching import Bools, FlatDetections, Floats, Ints, match

COCO_IOUS = np.linspace(0.5, 0.95, 10)
# COCO's sizes, in square pixels of the photo as evaluated.
SIZE_RANGES_PX = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
ALL = "all"


def coco_scores(flat: FlatDetections) -> dict[str, float]:
    """``ap50``, ``ap50_95``, ``ar`` and, for each size, ``ap_small``, ``ar_small`` …

    Returns:
        Each in 0..1, mean over the classes that have a true box; NaN where no class has one.
    """
    ranges = {ALL: (0.0, np.inf), **SIZE_RANGES_PX}
    parts = [_in_range(flat, low, high) for low, high in ranges.values()]
    labels = range(1, len(flat.class_names) + 1)
    coco_eval = COCOeval(iouType="bbox")
    coco_eval.params.iouThrs = COCO_IOUS
    coco_eval.params.catIds = list(labels)
    coco_eval.params.areaRng = [list(limits) for limits in ranges.values()]
    coco_eval.params.maxDets = [max(len(flat.detection_label), 1)]
    coco_eval.params.imgIds = [0]  # matched already: all photos count as one
    coco_eval._paramsEval = deepcopy(coco_eval.params)
    coco_eval.evalImgs = [_of_class(flat, part, label) for label in labels for part in parts]
    with contextlib.redirect_stdout(io.StringIO()):
        coco_eval.accumulate()
    ap = coco_eval.eval["precision"][..., 0]  # [T, recall points, classes, ranges]
    ar = coco_eval.eval["recall"][..., 0]  # [T, classes, ranges]
    scores = {"ap50": _mean(ap[0, ..., 0])}
    for place, name in enumerate(ranges):
        ap_name, ar_name = ("ap50_95", "ar") if name == ALL else (f"ap_{name}", f"ar_{name}")
        scores[ap_name], scores[ar_name] = _mean(ap[..., place]), _mean(ar[..., place])
    return scores


def _in_range(flat: FlatDetections, low: float, high: float) -> tuple[Ints, Bools, Bools]:
    """Matches [T, D], detections that do not count [T, D], true boxes that do not [G]."""
    # Both ends belong to the range, as in pycocotools.
    truth_out = (flat.truth_area_px < low) | (flat.truth_area_px > high)
    detection_out = (flat.detection_area_px < low) | (flat.detection_area_px > high)
    ious = COCO_IOUS.tolist()
    matches = match(flat, ious, truth_out) if truth_out.any() else flat.matched(ious)
    matched_out = np.append(truth_out, False)[matches]  # -1, no match, reads the appended
    return matches, matched_out | ((matches < 0) & detection_out), truth_out


def _of_class(flat: FlatDetections, part: tuple[Ints, Bools, Bools], label: int) -> dict[str, Any]:
    """What ``COCOeval.evaluateImg`` returns."""
    matches, skipped, truth_out = part
    chosen = flat.detection_label == label
    return {
        "dtScores": flat.detection_score[chosen].astype(np.float64),
        "dtMatches": matches[:, chosen] + 1,  # 0 for none
        "dtIgnore": skipped[:, chosen],
        "gtIgnore": truth_out[flat.truth_label == label],
    }


def _mean(values: Floats) -> float:
    known = values[values > -1]  # pycocotools' mark for a class without a true box
    return float(known.mean()) if known.size else float("nan")
