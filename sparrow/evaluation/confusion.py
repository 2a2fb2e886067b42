"""Which class is taken for which: the confusion matrix of a detector.

Matched as COCO does without regard to classes (pycocotools ``evaluateImg`` with ``useCats = 0``):
in each photo the detections at or above the operating threshold, by falling score, each to the free
true box that it overlaps best, at IoU >= t, one to one. A matched pair counts in the cell of its
two classes; what is left over in the row or column "nothing", as tools of the field lay it out
(``ConfusionMatrix`` of Ultralytics and of supervision, which match by falling IoU instead).

The diagonal may hold fewer than the right detections of the scores, which are matched class by
class: of two detections on one object the one with the higher score counts here, whatever it says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sparrow.evaluation.matching import FlatDetections, Ints, match

NOTHING = "nothing"


@dataclass(frozen=True)
class ClassPair:
    """Objects of one class that are taken for another: ``count`` of ``objects``."""

    true: str
    predicted: str
    count: int
    objects: int


@dataclass(frozen=True, eq=False)
class Confusion:
    """How often each class is found as which.

    Attributes:
        class_names: the model's.
        counts: [C + 1, C + 1]; row: the true class, column: the class it is found as; the last of
            both is nothing: the last row holds false detections, the last column missed objects.
    """

    class_names: tuple[str, ...]
    counts: Ints

    def names(self) -> tuple[str, ...]:
        """Of the rows, and of the columns."""
        return (*self.class_names, NOTHING)

    def pairs(self) -> list[ClassPair]:
        """Pairs of classes that are taken for each other, the most frequent first."""
        of_classes = self.counts[:-1, :-1].copy()
        np.fill_diagonal(of_classes, 0)
        rows, columns = np.nonzero(of_classes)
        pairs = [
            ClassPair(
                self.class_names[row],
                self.class_names[column],
                int(of_classes[row, column]),
                int(self.counts[row].sum()),
            )
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        return sorted(pairs, key=lambda pair: -pair.count)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"class_names": list(self.class_names), "counts": self.counts.tolist()}


def confusion_matrix(flat: FlatDetections, threshold: float, iou: float) -> Confusion | None:
    """Count every detection and every true box once; None for a single class.

    Args:
        threshold: operating threshold.
        iou: at which a detection matches.
    """
    if len(flat.class_names) < 2:
        return None
    matched = match(_of_one_class(flat), [iou])[0]
    kept = flat.above(threshold)
    nothing = len(flat.class_names)
    missed = np.ones(len(flat.truth_label), dtype=bool)
    missed[matched[kept & (matched >= 0)]] = False
    true_of = np.append(flat.truth_label - 1, nothing)[matched]  # -1, no match, reads the appended
    counts = np.zeros((nothing + 1, nothing + 1), dtype=np.int64)
    np.add.at(counts, (true_of[kept], flat.detection_label[kept] - 1), 1)
    counts[:, nothing] += np.bincount(flat.truth_label[missed] - 1, minlength=nothing + 1)
    return Confusion(flat.class_names, counts)


def _of_one_class(flat: FlatDetections) -> FlatDetections:
    return replace(
        flat,
        class_names=("object",),
        detection_label=np.ones_like(flat.detection_label),
        truth_label=np.ones_like(flat.truth_label),
    )
