"""What the evaluate step of ``train.py`` does: a model folder and photos in, an Evaluation out."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from sparrow.config import Config
from sparrow.data.tables import Dataset, data_version
from sparrow.detections import Detections
from sparrow.inference.model_folder import REFERENCE, read_info, write_info
from sparrow.progress import Progress

if TYPE_CHECKING:
    from sparrow.evaluation.calibration import CountCheck
    from sparrow.evaluation.counting import CountModel
    from sparrow.evaluation.equal_recall import EqualRecall


@dataclass(frozen=True, eq=False)
class Predicted:
    """A model folder's detections in some photos, by name, and its median time for one.

    Attributes:
        latency_ms, at_once: see ``Scored``.
    """

    detections: dict[str, Detections]
    latency_ms: float
    at_once: int


@dataclass(frozen=True, eq=False)
class Scored:
    """A model folder on the test split.

    Attributes:
        evaluation: an ``Evaluation``.
        detections: what it was computed from.
        latency_ms: median for one photo, from its file to its boxes, as the service counts: on one
            processor thread, ``at_once`` photos at the same time.
        at_once: as many as the service counts, or as this machine has processors.
        count_check: coverage and calibration of its count model; None where it has none.
    """

    evaluation: Any
    detections: dict[str, Detections]
    latency_ms: float
    at_once: int
    count_check: CountCheck | None


def evaluate_model(
    config: Config, dataset: Dataset, folder: Path, progress: Progress | None = None
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
    found = predict_split(folder, held_out, served_at_once(config), progress).detections
    equal = compare_recall(config, held_out, found, progress)
    best = choose_threshold(held_out, found, classes, config.evaluation)
    threshold = operating_threshold(best, equal, config.evaluation)
    measured = config.evaluation
    count_model = fit_count_model(
        held_out, found, classes, threshold, measured.count_confidence, measured.iou
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
    from sparrow.data.split.groups import group_numbers
    from sparrow.predictions.record import LoggedModel, records_from_detections
    from sparrow.predictions.window import write_reference

    info = read_info(folder)
    images = dataset.images[dataset.images["split"] != "train"]
    records = records_from_detections(
        found,
        [{str(name): value for name, value in row.items()} for row in images.to_dict("records")],
        # It gets its number when it is registered.
        LoggedModel(info.name, "unpublished", info.class_names, info.threshold),
        {name: count_model.estimate(found[name]) for name in images["image"]},
    )
    groups = group_numbers(images)
    write_reference(folder / REFERENCE, records, groups.tolist(), images["n_boxes"].tolist())


def score_model(
    config: Config,
    dataset: Dataset,
    folder: Path,
    progress: Progress | None = None,
    classes: Sequence[str] | None = None,
) -> Scored:
    """A model folder on the test split, at its own threshold and by its own class names.

    Args:
        config: whose ``data.classes`` are those of the photos' boxes.
        dataset: all photos, split.
        folder: the model folder; the order of its classes need not be the config's.
        progress: called with (done, total) photos.
        classes: score these alone, as if the photos held no other; None takes the config's. A class
            that the model does not know is one of which it finds nothing.
    """
    from sparrow.evaluation.calibration import check_count_model
    from sparrow.evaluation.counting import CountModel
    from sparrow.evaluation.evaluate import evaluate

    names = tuple(classes or config.data.classes)
    test = with_classes(with_groups(dataset, config).subset("test"), names)
    info = read_info(folder)
    predicted = predict_split(folder, test, served_at_once(config), progress)
    found = relabel(predicted.detections, info.class_names, names)
    evaluation = evaluate(
        test,
        found,
        names,
        info.threshold,
        config.evaluation,
        config.seed,
        data_version=data_version(dataset),
        split="test",
    )
    check = None
    # It was fitted on all classes of its model together, and says nothing about some of them.
    if info.count_model is not None and set(names) == set(info.class_names):
        count_model = CountModel.from_dict(info.count_model)
        check = check_count_model(count_model, test, found, names)
        details = {
            "count_coverage": check.coverage,
            "count_width": check.mean_width,
            "calibration_error": check.reliability.error,
        }
        evaluation = replace(evaluation, details={**evaluation.details, **details})
    return Scored(evaluation, found, predicted.latency_ms, predicted.at_once, check)


def with_classes(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """The same photos with the boxes of some classes alone."""
    boxes = dataset.boxes[dataset.boxes["label"].isin(names)].reset_index(drop=True)
    return Dataset(dataset.root, dataset.images, boxes)


def relabel(
    found: Mapping[str, Detections], own: Sequence[str], wanted: Sequence[str]
) -> dict[str, Detections]:
    """Detections by photo, labelled by the names in ``wanted`` (see ``Detections.relabelled``)."""
    return {photo: one.relabelled(own, wanted) for photo, one in found.items()}


def with_groups(dataset: Dataset, config: Config) -> Dataset:
    """The set with the groups of its split; made now where an older version has split it."""
    from sparrow.data.split import groups

    bits, seconds = config.data.near_duplicate_bits, config.split.visit_seconds
    return groups.with_groups(dataset, bits, seconds)


def compare_recall(
    config: Config,
    held_out: Dataset,
    found: dict[str, Detections],
    progress: Progress | None = None,
) -> EqualRecall | None:
    """The candidate's threshold at the champion's recall; None without a champion."""
    from sparrow.evaluation.equal_recall import at_equal_recall
    from sparrow.registry.registry import Registry

    registry = Registry(config.stores, config.name)
    champion = registry.champion()
    if champion is None:
        return None
    home = registry.fetch(champion.number)
    info, classes = read_info(home), config.data.classes
    if set(info.class_names) != set(classes):
        return None  # what it finds is something else
    theirs = predict_split(home, held_out, served_at_once(config), progress).detections
    return at_equal_recall(
        held_out,
        found,
        relabel(theirs, info.class_names, classes),
        info.threshold,
        champion.number,
        classes,
        config.evaluation,
    )


def served_at_once(config: Config) -> int:
    """Photos that the service counts at the same time, as far as this machine has processors."""
    return min(config.service.workers or config.service.threads, len(os.sched_getaffinity(0)))


def predict_split(
    folder: Path, dataset: Dataset, at_once: int, progress: Progress | None = None
) -> Predicted:
    """A model folder's detections in every photo of ``dataset``, by the engine that serves.

    Counted as the service counts: each photo on one thread, ``at_once`` photos at the same time.
    """
    from sparrow.images import read_image
    from sparrow.inference.engine import Engine

    engine, names = Engine(folder, threads=1), list(dataset.images["image"])

    def detect(name: str) -> tuple[Detections, float]:
        started = time.perf_counter()
        detections = engine.detect(read_image(dataset.image_path(name)))
        return detections, time.perf_counter() - started

    found, seconds = {}, []
    with ThreadPoolExecutor(at_once) as threads:
        for name, (detections, took) in zip(names, threads.map(detect, names), strict=True):
            found[name] = detections
            seconds.append(took)
            if progress:
                progress(len(found), len(names))
    return Predicted(found, 1000 * median(seconds), at_once)
