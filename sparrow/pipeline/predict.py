"""A model folder's detections in photos, by the engine that serves and as the service counts."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from sparrow.config import Config
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.scored import Predicted
from sparrow.evaluation.training_distribution import TrainingDistribution
from sparrow.image_statistics import ImageStatistics, image_statistics, reduced
from sparrow.inference.engine import Engine
from sparrow.photo_texture import photo_texture
from sparrow.portable import usable_cores
from sparrow.progress import Progress


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
    engine, names = Engine(folder, threads=1), list(dataset.images["image"])
    training = TrainingDistribution.load(folder)
    measured: dict[str, ImageStatistics] = {}

    def detect(name: str) -> tuple[Detections, float, bool]:
        started = time.perf_counter()
        photo = engine.read(dataset.image_path(name))
        detections = engine.detect_photo(photo)
        took = time.perf_counter() - started
        small = reduced(photo.pixels)
        measured[name] = image_statistics(small)
        strange = training is not None and training.is_out_of_distribution(photo_texture(small))
        return detections, took, strange

    predictions, seconds, out_of_distribution = {}, [], {}
    with ThreadPoolExecutor(at_once) as threads:
        for name, answer in zip(names, threads.map(detect, names), strict=True):
            detections, took, strange = answer
            predictions[name], out_of_distribution[name] = detections, strange
            seconds.append(took)
            if progress:
                progress(len(predictions), len(names))
    known = None if training is None else out_of_distribution
    return Predicted(predictions, 1000 * median(seconds), at_once, measured, known)
