"""A model folder's detections in photos, by the engine that serves and as the service counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import TypeVar

from sparrow.config import Config
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.scored import Predicted
from sparrow.evaluation.training_distribution import TrainingDistribution
from sparrow.image_statistics import ImageStatistics, MeasuredPhoto, image_statistics
from sparrow.inference.engine import Engine
from sparrow.photo_texture import photo_texture
from sparrow.portable import usable_cores
from sparrow.progress import Progress

T = TypeVar("T")


def served_at_once(config: Config) -> int:
    """Photos that the service counts at the same time, as far as this machine has processors."""
    return min(config.service.workers or config.service.threads, usable_cores())


def predict_photos(
    folder: Path, dataset: Dataset, at_once: int, progress: Progress | None = None
) -> Predicted:
    """A model folder's detections in every photo of ``dataset``.

    Each photo is counted on one thread, ``at_once`` photos at the same time.

    Raises:
        ModelFolderError: the folder is not a whole, untouched model.
        ValueError: its distribution is not one.
        ImageError: a photo cannot be read.
    """
    engine, training = Engine(folder, threads=1), TrainingDistribution.load(folder)

    def detect(name: str) -> tuple[Detections, float, ImageStatistics, bool | None]:
        started = time.perf_counter()
        photo = engine.read(dataset.image_path(name))
        detections = engine.detect_photo(photo)
        took, measured = time.perf_counter() - started, MeasuredPhoto.of(photo.pixels)
        strange = None
        if training is not None:
            strange = training.is_out_of_distribution(photo_texture(measured))
        return detections, took, image_statistics(measured), strange

    answers = each_photo(dataset, detect, at_once, progress)
    return Predicted(
        {name: detections for name, (detections, _, _, _) in answers.items()},
        1000 * median(took for _, took, _, _ in answers.values()),
        at_once,
        {name: statistics for name, (_, _, statistics, _) in answers.items()},
        {name: bool(strange) for name, (_, _, _, strange) in answers.items()} if training else None,
    )


def detect_photos(
    folder: Path, dataset: Dataset, at_once: int, progress: Progress | None = None
) -> dict[str, Detections]:
    """The detections alone, by photo name; nothing else is measured of the photos.

    Raises:
        ModelFolderError: the folder is not a whole, untouched model.
        ImageError: a photo cannot be read.
    """
    engine = Engine(folder, threads=1)

    def detect(name: str) -> Detections:
        return engine.detect_photo(engine.read(dataset.image_path(name)))

    return each_photo(dataset, detect, at_once, progress)


def each_photo(
    dataset: Dataset, work: Callable[[str], T], at_once: int, progress: Progress | None = None
) -> dict[str, T]:
    """What ``work`` gives for each photo's name, ``at_once`` photos at the same time."""
    names, answers = list(dataset.images["image"]), dict[str, T]()
    with ThreadPoolExecutor(at_once) as threads:
        for name, answer in zip(names, threads.map(work, names), strict=True):
            answers[name] = answer
            if progress:
                progress(len(answers), len(names))
    return answers
