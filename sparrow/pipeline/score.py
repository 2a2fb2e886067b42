"""Any model folder scored on any photos with boxes: no run, no registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sparrow.config import Config
from sparrow.data.split import groups
from sparrow.data.tables import Dataset, data_version
from sparrow.detections import Detections
from sparrow.evaluation.count_check import CountCheck, check_count_model
from sparrow.evaluation.evaluate import (
    MINIMUM_COUNTS,
    OUT_OF_DISTRIBUTION,
    Evaluation,
    PhotoSet,
    evaluate,
)
from sparrow.evaluation.matching import Bools, FlatDetections, flatten
from sparrow.evaluation.scored import Predicted, Scored
from sparrow.evaluation.slices import photo_slices
from sparrow.inference.model_folder import ModelInfo, read_info
from sparrow.pipeline.predict import predict_photos, served_at_once
from sparrow.progress import Progress

TEST = "test"


def score_model(
    config: Config, dataset: Dataset, folder: Path, progress: Progress | None = None
) -> Scored:
    """A model folder on the test split of a data set; see ``score_photos``.

    Args:
        dataset: all photos, split.
    """
    grouped = with_groups(dataset, config)
    photo_set = PhotoSet(data_version(dataset), TEST)
    return score_photos(config, grouped.subset(TEST), folder, photo_set, progress)


def score_photos(
    config: Config,
    photos: Dataset,
    folder: Path,
    photo_set: PhotoSet | None = None,
    progress: Progress | None = None,
) -> Scored:
    """A model folder on photos, at its own threshold and by its own class names.

    Args:
        config: whose ``data.classes`` are scored, as if the photos held no other; a class that the
            model does not know is one of which it finds nothing.
        photos: with true boxes; groups are made where there are none.
        folder: the model folder; the order of its classes need not be the config's.
        photo_set: which photos these are, for the ``Evaluation``.
        progress: called with (done, total) photos.

    Raises:
        ValueError: there are no photos.
        ModelFolderError: the folder is not a whole, untouched model.
        ImageError: a photo cannot be read.
    """
    names, info = config.data.classes, read_info(folder)
    photos = with_classes(with_groups(photos, config), names)
    predicted = predict_photos(folder, photos, served_at_once(config), progress)
    detections = relabel(predicted.detections, info.class_names, names)
    flat = flatten(photos, detections, names)
    evaluation = evaluate(
        flat, info.threshold, config.evaluation, config.seed, photo_set or PhotoSet()
    )
    check = _check(info, flat)
    more = _minimums(info, predicted.detections) | (_details(check) if check else {})
    if predicted.out_of_distribution is not None:
        more |= {OUT_OF_DISTRIBUTION: float(sum(predicted.out_of_distribution.values()))}
    evaluation = replace(evaluation, details={**evaluation.details, **more})
    check = check.with_kinds(_kinds(evaluation, predicted)) if check else None
    return Scored(
        evaluation,
        flat,
        detections,
        predicted.latency_ms,
        predicted.at_once,
        predicted.statistics,
        check,
    )


def _kinds(evaluation: Evaluation, predicted: Predicted) -> dict[str, Bools]:
    """[photos] whether each photo is of a kind: the slices, and those out of distribution."""
    kinds = photo_slices(evaluation.per_photo)
    if predicted.out_of_distribution is not None:
        flagged = evaluation.per_photo["image"].map(predicted.out_of_distribution)
        kinds["out of distribution"] = flagged.to_numpy(dtype=bool)
    return kinds


def _minimums(info: ModelInfo, detections: Mapping[str, Detections]) -> dict[str, float]:
    """In how many photos the model finds as many as it can, of all its classes together."""
    if info.max_objects is None:
        return {}
    counts = [len(photo.above(info.threshold)) for photo in detections.values()]
    return {MINIMUM_COUNTS: float(sum(count >= info.max_objects for count in counts))}


def _details(check: CountCheck) -> dict[str, float]:
    return {
        "count_coverage": check.coverage,
        "count_width": check.mean_width,
        "calibration_error": check.reliability.error,
    }


def with_classes(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """The same photos with the boxes of some classes alone."""
    boxes = dataset.boxes[dataset.boxes["label"].isin(names)].reset_index(drop=True)
    return Dataset(dataset.root, dataset.images, boxes)


def with_groups(dataset: Dataset, config: Config) -> Dataset:
    """The set with the groups of its split; made now where an older version has split it."""
    bits, seconds = config.data.near_duplicate_bits, config.split.visit_seconds
    return groups.with_groups(dataset, bits, seconds)


def relabel(
    detections: Mapping[str, Detections], own: Sequence[str], wanted: Sequence[str]
) -> dict[str, Detections]:
    """Detections by photo, labelled by the names in ``wanted`` (see ``Detections.relabelled``)."""
    return {name: photo.relabelled(own, wanted) for name, photo in detections.items()}


def _check(info: ModelInfo, flat: FlatDetections) -> CountCheck | None:
    """None too where only some of the model's classes are scored: it is fitted on all of them."""
    count_model = info.load_count_model()
    if count_model is None or set(flat.class_names) != set(info.class_names):
        return None
    return check_count_model(count_model, flat)
