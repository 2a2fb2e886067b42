"""How far two ways to compute the same detections agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sparrow.detections import Detections
from sparrow.images import RgbImage
from sparrow.portable import usable_cores

Detect = Callable[[RgbImage], Detections]
MIN_COMPARED_SCORE = 0.2


def detector_of(engine: Path) -> Detect:
    """An engine's file as a function: photos uint8 [H, W, 3] at the network's size go in."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    session = onnxruntime.InferenceSession(str(engine), options, providers=["CPUExecutionProvider"])

    def detect(image: RgbImage) -> Detections:
        boxes, labels, scores = session.run(["boxes", "labels", "scores"], {"image": image})
        return Detections(boxes, scores, labels)

    return detect


def agreement(
    first: Detect,
    second: Detect,
    photos: Sequence[RgbImage],
    score_tolerance: float,
    box_tolerance_px: float,
) -> dict[str, float]:
    """Over some photos: the number of ``detections`` compared (score 0.2 and above, of either
    side), the ``share`` of them (0..1) that has a counterpart of the same class within both
    tolerances, and the ``median_score_difference`` (0..1; one without a counterpart differs by its
    whole score). Without a detection the share is 1.
    """
    differences: list[NDArray[np.float64]] = []  # [n, 2]: score, pixels
    for image in photos:
        a, b = first(image), second(image)
        differences += [_differences(a, b), _differences(b, a)]
    table = np.concatenate([np.zeros((0, 2)), *differences])
    agreeing = (table[:, 0] <= score_tolerance) & (table[:, 1] <= box_tolerance_px)
    return {
        "detections": float(len(table)),
        "share": float(agreeing.mean()) if len(table) else 1.0,
        "median_score_difference": float(np.median(table[:, 0])) if len(table) else 0.0,
    }


def _differences(detections: Detections, others: Detections) -> NDArray[np.float64]:
    """Differences in score and place of sure detections from their nearest others: [n, 2].

    Detections near the score limit are left out: there rounding decides which ones exist.
    """
    sure = detections.above(MIN_COMPARED_SCORE)
    score, box_px = sure.scores.astype(np.float64), np.full(len(sure), np.inf)
    if len(sure) and len(others):
        # By corners and not by overlap: boxes at the photo's rim may be lines, which overlap
        # nothing.
        apart = np.abs(sure.boxes_xyxy[:, None] - others.boxes_xyxy[None]).max(axis=2)  # [n, m]
        apart = np.where(sure.labels[:, None] == others.labels[None], apart, np.inf)
        twin, box_px = apart.argmin(axis=1), apart.min(axis=1)
        difference = np.abs(score - others.scores[twin])
        score = np.where(np.isfinite(box_px), difference, score)
    return np.stack([score, box_px], axis=1)
