"""What the evaluate step of ``train.py`` does: a model folder and photos in, an Evaluation out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from sparrow.config import Config
from sparrow.data.tables import Dataset, data_version
from sparrow.detections import Detections
from sparrow.model.folder import REFERENCE, read_info, write_info

if TYPE_CHECKING:
    from sparrow.evaluation.calibration import CountCheck
    from sparrow.evaluation.counting import CountModel
    from sparrow.evaluation.equal_recall import EqualRecall

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Predicted:
    """A model folder's detections in some photos, by name, and its median time for one."""

    detections: dict[str, Detections]
    latency_ms: float


@dataclass(frozen=True, eq=False)
class Scored:
    """A model folder on the test split.

    Attributes:
        evaluation: an ``Evaluation``.
        detections: what it was computed from.
        latency_ms: the engine's median for one photo, on ``training.threads`` threads, without
            reading the file.
        count_check: coverage and calibration of its count model; None where it has none.
    """

    evaluation: Any
    detections: dict[str, Detections]
    latency_ms: float
    count_check: CountCheck | None


def evaluate_model(
    config: Config, dataset: Dataset, folder: Path, work_dir: Path, progress: Progress | None = None
) -> Scored:
    """Threshold and count interval from validation photos, then scores on test photos.

    The model folder's ``model.json`` is completed with all of them, and what was found in both
    gives its ``reference.parquet``.
    """
    from sparrow.evaluation.calibration import fit_count_model
    from sparrow.evaluation.equal_recall import operating_threshold
    from sparrow.evaluation.metrics import choose_threshold

    dataset = with_groups(dataset, config)
    held_out, classes = dataset.subset("validation"), config.data.classes
    found = predict_split(folder, held_out, config.training.threads, progress).detections
    equal = compare_recall(config, held_out, found, work_dir, progress)
    best = choose_threshold(held_out, found, classes, config.evaluation)
    threshold = operating_threshold(best, equal, config.evaluation)
    count_model = fit_count_model(
        held_out, found, classes, threshold, config.evaluation.count_confidence
    )
    update = {
        "threshold": threshold,
        "count_model": count_model.to_dict(),
        "equal_recall": equal.to_dict() if equal else None,
    }
    write_info(folder, read_info(folder).model_copy(update=update))
    scored = score_model(config, dataset, folder, progress)
    write_model_reference(dataset, folder, found | scored.detections, count_model)
    metrics = {name: value.to_list() for name, value in scored.evaluation.headline.items()}
    write_info(folder, read_info(folder).model_copy(update={"metrics": metrics}))
    return scored


def write_model_reference(
    dataset: Dataset,
    folder: Path,
    found: Mapping[str, Detections],
    count_model: CountModel,
) -> None:
    """What the model saw and found in held-out photos: what monitoring holds production against.

    Args:
        dataset: all photos, split, hashed and in groups; only validation and test photos are taken.
        folder: the model folder, its threshold in place.
        found: detections in these photos, by name.
        count_model: the model's.
    """
    from sparrow.data.groups import group_numbers
    from sparrow.prediction_record import records_from_detections
    from sparrow.prediction_window import write_reference

    info = read_info(folder)
    images = dataset.images[dataset.images["split"] != "train"]
    records = records_from_detections(
        found,
        [{str(name): value for name, value in row.items()} for row in images.to_dict("records")],
        class_names=info.class_names,
        threshold=info.threshold,
        model_name=info.name,
        model_version="unpublished",  # it gets its number when it is registered
        estimates={name: count_model.estimate(found[name]) for name in images["image"]},
    )
    groups = group_numbers(images)
    write_reference(folder / REFERENCE, records, groups.tolist(), images["n_boxes"].tolist())


def score_model(
    config: Config, dataset: Dataset, folder: Path, progress: Progress | None = None
) -> Scored:
    """A model folder on the test split, at its own threshold."""
    from sparrow.evaluation.calibration import check_count_model
    from sparrow.evaluation.counting import CountModel
    from sparrow.evaluation.evaluate import evaluate

    test, info = with_groups(dataset, config).subset("test"), read_info(folder)
    predicted = predict_split(folder, test, config.training.threads, progress)
    evaluation = evaluate(
        test,
        predicted.detections,
        config.data.classes,
        info.threshold,
        config.evaluation,
        config.seed,
        data_version=data_version(dataset),
        split="test",
    )
    check = None
    if info.count_model is not None:
        count_model = CountModel.from_dict(info.count_model)
        check = check_count_model(count_model, test, predicted.detections, config.data.classes)
        details = {
            "count_coverage": check.coverage,
            "count_width": check.mean_width,
            "calibration_error": check.reliability.error,
        }
        evaluation = replace(evaluation, details={**evaluation.details, **details})
    return Scored(evaluation, predicted.detections, predicted.latency_ms, check)


def with_groups(dataset: Dataset, config: Config) -> Dataset:
    """The set with the groups of its split; made now where an older version has split it."""
    from sparrow.data import groups

    bits, seconds = config.data.near_duplicate_bits, config.split.visit_seconds
    return groups.with_groups(dataset, bits, seconds)


def compare_recall(
    config: Config,
    held_out: Dataset,
    found: dict[str, Detections],
    work_dir: Path,
    progress: Progress | None = None,
) -> EqualRecall | None:
    """The candidate's threshold at the champion's recall; None without a champion."""
    from sparrow.evaluation.equal_recall import at_equal_recall
    from sparrow.release.registry import Registry

    registry = Registry(config.stores, config.name)
    champion = registry.champion()
    if champion is None:
        return None
    home = registry.download(champion.number, work_dir / "champion")
    info = read_info(home)
    if info.class_names != config.data.classes:
        return None  # what it finds is something else
    theirs = predict_split(home, held_out, config.training.threads, progress).detections
    return at_equal_recall(
        held_out,
        found,
        theirs,
        info.threshold,
        champion.number,
        info.class_names,
        config.evaluation,
    )


def predict_split(
    folder: Path, dataset: Dataset, threads: int, progress: Progress | None = None
) -> Predicted:
    """A model folder's detections in every photo of ``dataset``, from the engine that serves."""
    from sparrow.images import read_image
    from sparrow.model.runtime import Engine

    engine, names = Engine(folder, threads), list(dataset.images["image"])
    found, seconds = {}, []
    for done, name in enumerate(names, 1):
        image = read_image(dataset.image_path(name))
        started = time.perf_counter()
        found[name] = engine.detect(image)
        seconds.append(time.perf_counter() - started)
        if progress:
            progress(done, len(names))
    return Predicted(found, 1000 * median(seconds))
