"""Labels worth a second look: where a model and the boxes disagree strongly. Never an error."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sparrow.boxes import box_iou
from sparrow.data.checks.report import RuleViolation, rule_violation
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections

REVIEW_COLUMNS = ("image", "doubt", "score", *XYXY)
NO_BOX, NO_BIRD = "no box here", "nothing found here"
SAME_BIRD_IOU = 0.3  # below it a detection and a box are not about the same bird


def label_error_candidates(
    dataset: Dataset, detections: Mapping[str, Detections], sure_score: float
) -> pd.DataFrame:
    """Confident detections where no box is, and boxes where nothing at all was detected.

    Args:
        detections: of every photo to look at, by name, down to low scores. They say most about
            photos the model was not trained on.
        sure_score: from which score (0..1) a detection without a box is doubted.

    Returns:
        ``REVIEW_COLUMNS``, the surest doubt first. ``doubt`` is ``NO_BOX`` (score: the detection's)
        or ``NO_BIRD`` (score: the share of all boxes that the model does find).
    """
    boxes = dataset.boxes_by_image()
    rows: list[tuple[object, ...]] = []
    lost: list[tuple[object, ...]] = []
    drawn_in_all = 0
    for name, found in detections.items():
        drawn = boxes[name][XYXY].to_numpy(dtype=float)
        near = box_iou(found.boxes_xyxy, drawn) >= SAME_BIRD_IOU  # [N, M]
        unlabelled = (found.scores >= sure_score) & ~near.any(axis=1)
        rows += [
            (name, NO_BOX, float(score), *map(float, box))
            for score, box in zip(
                found.scores[unlabelled], found.boxes_xyxy[unlabelled], strict=True
            )
        ]
        lost += [(name, *map(float, box)) for box in drawn[~near.any(axis=0)]]
        drawn_in_all += len(drawn)
    share_found = 1 - len(lost) / max(1, drawn_in_all)
    rows += [(name, NO_BIRD, share_found, *box) for name, *box in lost]
    review = pd.DataFrame(rows, columns=list(REVIEW_COLUMNS))
    return review.sort_values(["score", "image"], ascending=[False, True], ignore_index=True)


def label_error_violation(review: pd.DataFrame, table: str) -> RuleViolation | None:
    """The list as a warning of the checks.

    Args:
        review: of ``label_error_candidates``.
        table: how the box table is called in violations.
    """
    values = [
        f"{row['doubt']} ({row['score']:.2f}): from {row['x_min_px']:.0f}, {row['y_min_px']:.0f} "
        f"to {row['x_max_px']:.0f}, {row['y_max_px']:.0f}"
        for row in review.to_dict("records")
    ]
    return rule_violation("label-doubtful", table, [0] * len(review), review["image"], values)
