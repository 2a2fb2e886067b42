"""A validation photo with what was detected in it, kept for each epoch that improved the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sparrow.boxes import as_boxes
from sparrow.data.licences import shown_photos
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.drawing.boxes import TRUTH_COLOR, BoxStyle, draw_boxes
from sparrow.drawing.pictures import encode_jpeg
from sparrow.images import read_image

if TYPE_CHECKING:
    from sparrow.evaluation.validation import ThresholdScore
    from sparrow.training.checkpoint import EpochRecord
    from sparrow.training.task import TrainingTask

PHOTOS = "validation"  # a folder of the run


class EpochPhotos:
    """Remembers what was last detected, and draws one photo of it: the same in every epoch."""

    def __init__(self, dataset: Dataset, seed: int, licences: Sequence[str] | None = None) -> None:
        """Of the validation photos that may be shown, one with objects that ``seed`` chooses.

        Args:
            licences: ``data.show_licenses``; None allows all.
        """
        self._photos = shown_photos(dataset.subset("validation"), licences)
        images = self._photos.images
        with_objects = images[images["image"].isin(self._photos.boxes["image"])]
        names = list((with_objects if len(with_objects) else images)["image"])
        chosen = int(np.random.default_rng(seed).integers(len(names))) if names else None
        self._name = None if chosen is None else names[chosen]
        self._detections: Mapping[str, Detections] = {}

    def watching(self, task: TrainingTask) -> TrainingTask:
        """The same task, whose score also remembers what was detected."""

        def score(detections: Mapping[str, Detections]) -> ThresholdScore:
            self._detections = detections
            return task.score(detections)

        return replace(task, score=score)

    def draw(self, history: tuple[EpochRecord, ...], folder: Path) -> Path | None:
        """Write the photo if the last epoch is the best: true boxes dashed, detections solid.

        Returns:
            Its path, ``epoch_03.jpg`` in ``folder``; None where the epoch is no better, or no
            photo may be shown.
        """
        last = history[-1]
        if self._name is None or any(record.score >= last.score for record in history[:-1]):
            return None
        kept = self._detections[self._name].above(last.threshold)
        boxes = self._photos.boxes
        truth = as_boxes(boxes.loc[boxes["image"] == self._name, XYXY])
        photo = read_image(self._photos.image_path(self._name))
        drawn = draw_boxes(photo, truth, style=BoxStyle(TRUTH_COLOR, dashed=True))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"epoch_{last.epoch:02d}.jpg"
        path.write_bytes(encode_jpeg(draw_boxes(drawn, kept.boxes_xyxy, kept.scores)))
        return path
