"""What a detector learns from and how it is judged: the same in every process of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sparrow.config import AugmentationConfig, Config, TrainingConfig
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.validation import ThresholdScore, make_score
from sparrow.training.dataset import DetectionSet, load_detection_set

Score = Callable[[Mapping[str, Detections]], ThresholdScore]


class TrainingError(RuntimeError):
    """Training cannot continue; the message says why."""


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """Photos, validation set, score, seed and settings of one training.

    Attributes:
        photos: what it learns from.
        validation: what the best epoch and the threshold are chosen on.
        score: validation detections (above ``min_score``) -> score.
        min_score: 0..1, detections below it are dropped before scoring.
        seed: decides order and augmentation.
        training: the training section of the config.
        augmentation: the augmentation section of the config.
        model_settings: what else a checkpoint must agree in to be continued, such as the config's
            model section as JSON.
    """

    photos: DetectionSet
    validation: DetectionSet
    score: Score
    min_score: float
    seed: int
    training: TrainingConfig
    augmentation: AugmentationConfig
    model_settings: str = ""


def load_task(config: Config, dataset: Dataset) -> TrainingTask:
    """The training and validation photos of a split set, decoded, with the config's score.

    Args:
        config: tuned; decoded photos are kept in ``data.prepared``.
        dataset: all photos, split; nothing of the test split is looked at.
    """
    classes, cache = config.data.classes, Path(config.data.prepared)
    held_out = dataset.subset("validation")
    return TrainingTask(
        photos=load_detection_set(dataset.subset("train"), classes, config.model, cache),
        validation=load_detection_set(held_out, classes, config.model, cache),
        score=make_score(held_out, classes, config.evaluation),
        min_score=config.evaluation.min_score,
        seed=config.seed,
        training=config.training,
        augmentation=config.augmentation,
        model_settings=config.model.model_dump_json(),
    )
