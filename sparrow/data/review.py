"""Labels worth a second look: where a model and the boxes disagree strongly. Never an error."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sparrow.boxes import box_iou
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections

REVIEW_COLUMNS = ("image", "doubt", "score", *XYXY)
SAME_BIRD_IOU = 0.3  # below it a detection and a box are not about the same bird


def doubtful_labels(
    dataset: Dataset, detections: Mapping[str, Detections], sure_score: float
) -> pd.DataFrame:
    """Confident detections where no box is, and boxes where nothing at all was detected.

    Args:
        detections: of every photo to look at, by name, down to low scores.
        sure_score: from which score (0..1) a detection without a box is doubted.

    Returns:
        ``REVIEW_COLUMNS``, the surest doubt first: doubt is "no box here" (score: the
        detection's) or "no bird here?" (score: 1, as no detection is near it).
    """
    boxes = dataset.boxes_by_image()
    found = [_doubts(name, boxes[name], found, sure_score) for name, found in detections.items()]
    rows = [row for part in found for row in part]
    review = pd.DataFrame(rows, columns=list(REVIEW_COLUMNS))
    return review.sort_values(["score", "image"], ascending=[False, True], ignore_index=True)


def _doubts(
    name: str, boxes: pd.DataFrame, found: Detections, sure_score: float
) -> list[tuple[object, ...]]:
    drawn = boxes[XYXY].to_numpy(dtype=float)
    overlap = box_iou(found.boxes_xyxy, drawn)  # [N, M]
    near = overlap >= SAME_BIRD_IOU
    unlabelled = (found.scores >= sure_score) & ~near.any(axis=1)
    rows: list[tuple[object, ...]] = [
        (name, "no box here", float(score), *map(float, box))
        for score, box in zip(found.scores[unlabelled], found.boxes_xyxy[unlabelled], strict=True)
    ]
    rows += [(name, "no bird here?", 1.0, *map(float, box)) for box in drawn[~near.any(axis=0)]]
    return rows
