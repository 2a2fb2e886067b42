"""Label-error candidates: where a model and the boxes disagree strongly. Never an error."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sparrow.boxes import box_iou
from sparrow.data.checks.report import RuleViolation, rule_violation
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections

CANDIDATE_COLUMNS = ("image", "kind", "score", *XYXY)
NO_BOX, NO_OBJECT = "no box here", "nothing found here"
LABEL_ERROR = "label-error-candidate"  # the rule
SAME_OBJECT_IOU = 0.3  # below it a detection and a box are not about the same object


def label_error_candidates(
    dataset: Dataset, detections: Mapping[str, Detections], sure_score: float
) -> pd.DataFrame:
    """Confident detections where no box is, and boxes where nothing at all was detected.

    Args:
        detections: of every photo to compare, by name, down to low scores. They say most about
            photos the model was not trained on.
        sure_score: from which score (0..1) a detection without a box is a candidate.

    Returns:
        ``CANDIDATE_COLUMNS``, the surest first. ``kind`` is ``NO_BOX`` (score: the detection's) or
        ``NO_OBJECT`` (score: the share of all boxes that the model does find).
    """
    boxes = dataset.boxes_by_image()
    rows: list[tuple[object, ...]] = []
    lost: list[tuple[object, ...]] = []
    for name, detected in detections.items():
        labelled = boxes[name][XYXY].to_numpy(dtype=float)
        near = box_iou(detected.boxes_xyxy, labelled) >= SAME_OBJECT_IOU  # [N, M]
        sure = (detected.scores >= sure_score) & ~near.any(axis=1)
        scored = zip(detected.scores[sure], detected.boxes_xyxy[sure], strict=True)
        rows += [(name, NO_BOX, float(score), *map(float, box)) for score, box in scored]
        lost += [(name, *map(float, box)) for box in labelled[~near.any(axis=0)]]
    recall = 1 - len(lost) / max(1, sum(len(boxes[name]) for name in detections))
    rows += [(name, NO_OBJECT, recall, *box) for name, *box in lost]
    candidates = pd.DataFrame(rows, columns=list(CANDIDATE_COLUMNS))
    return candidates.sort_values(["score", "image"], ascending=[False, True], ignore_index=True)


def label_error_violation(candidates: pd.DataFrame, table: str) -> RuleViolation | None:
    """The list as a warning of the checks.

    Args:
        candidates: of ``label_error_candidates``.
        table: how the box table is called in violations.
    """
    values = [
        f"{row['kind']} ({row['score']:.2f}): from {row['x_min_px']:.0f}, {row['y_min_px']:.0f} "
        f"to {row['x_max_px']:.0f}, {row['y_max_px']:.0f}"
        for row in candidates.to_dict("records")
    ]
    images = candidates["image"]
    return rule_violation(LABEL_ERROR, table, [0] * len(images), images, values)
