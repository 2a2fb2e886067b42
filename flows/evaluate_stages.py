"""What the evaluate step of ``train.py`` does: a model folder and photos in, an Evaluation out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sparrow.config import Config
from sparrow.data.tables import Dataset, data_version
from sparrow.detections import Detections
from sparrow.model.folder import read_info, write_info

Progress = Callable[[int, int], None]


def evaluate_model(
    config: Config, dataset: Dataset, folder: Path, progress: Progress | None = None
) -> tuple[Any, dict[str, Detections]]:
    """Threshold and count interval from validation photos, then scores on test photos.

    The model folder's ``model.json`` is completed with all three.

    Returns:
        The Evaluation on the test split and the detections it was computed from.
    """
    from sparrow.evaluation.calibration import fit_count_model
    from sparrow.evaluation.metrics import choose_threshold

    held_out, classes = dataset.subset("validation"), config.data.classes
    found = predict_split(folder, held_out, config.training.threads, progress)
    threshold = choose_threshold(held_out, found, classes, config.evaluation)
    count_model = fit_count_model(
        held_out, found, classes, threshold, config.evaluation.count_confidence
    )
    write_info(
        folder,
        read_info(folder).model_copy(
            update={"threshold": threshold, "count_model": count_model.to_dict()}
        ),
    )
    evaluation, detections = score_model(config, dataset, folder, progress)
    metrics = {name: value.to_list() for name, value in evaluation.headline.items()}
    write_info(folder, read_info(folder).model_copy(update={"metrics": metrics}))
    return evaluation, detections


def score_model(
    config: Config, dataset: Dataset, folder: Path, progress: Progress | None = None
) -> tuple[Any, dict[str, Detections]]:
    """A model folder on the test split, at its own threshold."""
    from sparrow.evaluation.evaluate import evaluate

    test = dataset.subset("test")
    detections = predict_split(folder, test, config.training.threads, progress)
    evaluation = evaluate(
        test,
        detections,
        config.data.classes,
        read_info(folder).threshold,
        config.evaluation,
        config.seed,
        data_version=data_version(dataset),
        split="test",
    )
    return evaluation, detections


def predict_split(
    folder: Path, dataset: Dataset, threads: int, progress: Progress | None = None
) -> dict[str, Detections]:
    """A model folder's detections in every photo of ``dataset``, from the engine that serves."""
    from sparrow.model.runtime import Engine, detect_files

    engine = Engine(folder, threads)
    names = list(dataset.images["image"])
    each = (lambda done: progress(done, len(names))) if progress else None
    return detect_files(engine, [(name, dataset.image_path(name)) for name in names], each)
