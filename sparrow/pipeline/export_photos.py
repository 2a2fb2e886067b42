"""The photos that an engine is compared and calibrated on, out of a training's own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sparrow.config import Config
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.coco import coco_scores
from sparrow.evaluation.matching import flatten
from sparrow.evaluation.validation import make_score
from sparrow.export.folder import ExportPhotos
from sparrow.export.parity import Detect
from sparrow.images import RgbImage
from sparrow.training.dataset import DetectionSet
from sparrow.training.task import TrainingTask

EXAMPLES = 6
CALIBRATION = 48
# Enough that one box more or less moves a score by little. Where the validation photos are fewer,
# training photos join them: compared are two ways to compute one network, not what it has learnt.
SCORED = 120


def export_photos(config: Config, dataset: Dataset, task: TrainingTask) -> ExportPhotos:
    """Validation photos as examples, training photos to calibrate on, both to score on.

    Args:
        config: of the training.
        dataset: all photos, split; nothing of the test split is looked at.
        task: of both.
    """
    held_out, learnt = task.validation.first(SCORED), task.photos
    few = learnt.first(max(0, SCORED - len(held_out)))
    names = {*held_out.images, *few.images}
    scored = dataset.having(dataset.images["image"].isin(names))

    def scores(detect: Detect) -> dict[str, float]:
        detected = dict([*_detections(detect, held_out), *_detections(detect, few)])
        score = make_score(scored, config.data.classes, config.evaluation)(detected)
        average = coco_scores(flatten(scored, detected, config.data.classes))["ap50_95"]
        return {"f_beta": score.f_beta, "ap50_95": float(np.nan_to_num(average))}  # no object: nan

    return ExportPhotos(
        examples=_first(held_out, EXAMPLES),
        calibration=_spread(learnt, CALIBRATION),
        scores=scores,
    )


def _detections(detect: Detect, photos: DetectionSet) -> Iterator[tuple[str, Detections]]:
    """Each photo's name and detections, in its own pixels."""
    for i, name in enumerate(photos.images):
        detections = detect(photos.photo(i))
        boxes = detections.boxes_xyxy / np.tile(photos.scales[i], 2)
        yield name, Detections(boxes.astype(np.float32), detections.scores, detections.labels)


def _first(photos: DetectionSet, count: int) -> list[RgbImage]:
    return [photos.photo(i) for i in range(min(count, len(photos)))]


def _spread(photos: DetectionSet, count: int) -> list[RgbImage]:
    """Photos from the whole set, which may be in the order in which it was taken."""
    step = max(1, len(photos) // count)
    return [photos.photo(i) for i in range(0, len(photos), step)][:count]
