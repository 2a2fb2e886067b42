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
from sparrow.images import read_image
from sparrow.inference.engine import Engine
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
        ImageError: a photo cannot be read.
    """
    engine, names = Engine(folder, threads=1), list(dataset.images["image"])

    def detect(name: str) -> tuple[Detections, float]:
        started = time.perf_counter()
        detections = engine.detect(read_image(dataset.image_path(name)))
        return detections, time.perf_counter() - started

    predictions, seconds = {}, []
    with ThreadPoolExecutor(at_once) as threads:
        for name, (detections, took) in zip(names, threads.map(detect, names), strict=True):
            predictions[name] = detections
            seconds.append(took)
            if progress:
                progress(len(predictions), len(names))
    return Predicted(predictions, 1000 * median(seconds), at_once)
