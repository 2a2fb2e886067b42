"""``Detections``: what a detector found in one photo, checked when it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes with scores and labels for one photo, best score first.

    Attributes:
        boxes_xyxy: float32 [N, 4], pixels of the upright photo.
        scores: float32 [N], 0..1, descending.
        labels: int64 [N], 1-based index into the model's class names (0 is background).

    Raises:
        ValueError: shapes that disagree, a score outside 0..1, a label below 1, a reversed box.
    """

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes_xyxy, dtype=np.float32).reshape(-1, 4)
        scores = np.asarray(self.scores, dtype=np.float32).reshape(-1)
        labels = np.asarray(self.labels, dtype=np.int64).reshape(-1)
        if not len(boxes) == len(scores) == len(labels):
            raise ValueError(
                "expected as many scores and labels as boxes, found "
                f"{len(boxes)} boxes, {len(scores)} scores, {len(labels)} labels"
            )
        if not np.isfinite(boxes).all() or (boxes[:, 2:] < boxes[:, :2]).any():
            raise ValueError("expected finite boxes with left <= right and top <= bottom")
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError(f"expected scores in 0..1, found {scores.min()} to {scores.max()}")
        if (labels < 1).any():
            raise ValueError(f"expected labels of 1 and above, found {labels.min()}")
        order = np.argsort(-scores, kind="stable")
        object.__setattr__(self, "boxes_xyxy", boxes[order])
        object.__setattr__(self, "scores", scores[order])
        object.__setattr__(self, "labels", labels[order])

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls) -> Detections:
        """A photo in which nothing was found."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))

    def above(self, min_score: float) -> Detections:
        """Only the detections whose score is at least ``min_score``."""
        # In float32, as the scores are: 0.3 then means the same as a Python or a NumPy float.
        return self.where(self.scores >= np.float32(min_score))

    def below(self, min_score: float) -> Detections:
        """Only those that ``above`` leaves out."""
        return self.where(self.scores < np.float32(min_score))

    def of_class(self, label: int) -> Detections:
        """Only the detections with this label."""
        return self.where(self.labels == label)

    def where(self, keep: NDArray[np.bool_]) -> Detections:
        """Only the detections for which ``keep``, bool [N], is true."""
        return Detections(self.boxes_xyxy[keep], self.scores[keep], self.labels[keep])

    def relabelled(self, own: Sequence[str], wanted: Sequence[str]) -> Detections:
        """The same detections with labels that index ``wanted``; of other classes none are kept.

        Args:
            own: the class names that the labels index now: those of the model.
            wanted: the class names that they are to index, in any order.

        Raises:
            ValueError: a label beyond ``own``.
        """
        if len(self) and self.labels.max() > len(own):
            raise ValueError(
                f"expected labels of 1 to {len(own)} ({', '.join(own)}), found {self.labels.max()}"
            )
        places = {name: number for number, name in enumerate(wanted, 1)}
        labels = np.array([places.get(own[label - 1], 0) for label in self.labels], dtype=np.int64)
        keep = labels > 0
        return Detections(self.boxes_xyxy[keep], self.scores[keep], labels[keep])
