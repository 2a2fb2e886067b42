"""What the evaluate step of ``train.py`` does: a model folder and photos in, its scores out."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from sparrow.config import Config
from sparrow.data.split.groups import group_numbers
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.calibration import fit_count_model
from sparrow.evaluation.class_calibration import fit_class_count_models
from sparrow.evaluation.class_scores import CLASS_SCORES
from sparrow.evaluation.equal_recall import EqualRecall, at_equal_recall, operating_threshold
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.matching import FlatDetections, flatten
from sparrow.evaluation.metrics import choose_threshold
from sparrow.evaluation.scored import Scored
from sparrow.image_statistics import STATISTICS, ImageStatistics
from sparrow.inference.model_folder import REFERENCE, ModelInfo, read_info, write_info
from sparrow.pipeline.predict import detect_photos, predict_photos, served_at_once
from sparrow.pipeline.score import relabel, score_model, with_groups
from sparrow.pipeline.tiled_counts import with_tiled_count
from sparrow.pipeline.training_distribution import write_training_distribution
from sparrow.progress import Progress


def evaluate_model(
    config: Config, dataset: Dataset, folder: Path, progress: Progress | None = None
) -> Scored:
    """Threshold and count interval from validation photos, then scores on test photos.

    The model folder's ``model.json`` is completed with all of them, and the detections in both
    become its ``reference.parquet``.
    """
    dataset = with_groups(dataset, config)
    held_out = dataset.subset("validation")
    predicted = predict_photos(folder, held_out, served_at_once(config), progress)
    detections = predicted.detections
    flat = flatten(held_out, detections, config.data.classes)
    equal = compare_recall(config, held_out, flat, progress)
    best = choose_threshold(flat, config.evaluation)
    threshold = operating_threshold(best, equal, config.evaluation)
    write_training_distribution(dataset, folder, config.seed, progress)
    info = with_count_models(config, read_info(folder), flat, threshold)
    if config.evaluation.tiles != "none":
        info = with_tiled_count(config, info, folder, held_out, progress)
    update = {"equal_recall": equal.to_dict() if equal else None}
    write_info(folder, info.model_copy(update=update))
    scored = score_model(config, dataset, folder, progress)
    statistics = predicted.statistics | scored.statistics
    write_model_reference(dataset, folder, detections | scored.detections, statistics)
    write_info(folder, with_scores(config, read_info(folder), scored.evaluation))
    return scored


def with_scores(config: Config, info: ModelInfo, evaluation: Evaluation) -> ModelInfo:
    """A model's description with its scores on the test split, and how its classes are called."""
    metrics: dict[str, Any] = {name: n.to_list() for name, n in evaluation.headline.items()}
    if evaluation.classes:
        metrics[CLASS_SCORES] = [scores.to_dict() for scores in evaluation.classes]
    # As this run's config says: a training of an earlier run may be of before a plural was given.
    data = {**info.config.get("data", {}), "plurals": dict(config.data.plurals)}
    return info.model_copy(update={"metrics": metrics, "config": {**info.config, "data": data}})


def with_count_models(
    config: Config, info: ModelInfo, flat: FlatDetections, threshold: float
) -> ModelInfo:
    """A model's description with its threshold and the count models that are fitted for it.

    Args:
        flat: its detections in validation photos.
    """
    fitted_for = flat, threshold, config.evaluation, info.max_objects
    of_class = fit_class_count_models(*fitted_for)
    update = {
        "threshold": threshold,
        "count_model": fit_count_model(*fitted_for).to_dict(),
        "class_count_models": {name: model.to_dict() for name, model in of_class.items()} or None,
    }
    return info.model_copy(update=update)


def compare_recall(
    config: Config,
    held_out: Dataset,
    flat: FlatDetections,
    progress: Progress | None = None,
) -> EqualRecall | None:
    """The candidate's threshold at the champion's recall; None without a champion.

    Args:
        held_out: validation photos.
        flat: the candidate's detections in them.
    """
    from sparrow.registry.registry import Registry

    registry = Registry(config.stores, config.name)
    champion = registry.champion()
    if champion is None:
        return None
    home = registry.fetch(champion.number)
    info, classes = read_info(home), config.data.classes
    if set(info.class_names) != set(classes):
        return None  # it counts other objects
    own = detect_photos(home, held_out, served_at_once(config), progress)
    detections = relabel(own, info.class_names, classes)
    champion_flat = flatten(held_out, detections, classes)
    return at_equal_recall(flat, champion_flat, info.threshold, champion.number, config.evaluation)


def write_model_reference(
    dataset: Dataset,
    folder: Path,
    detections: Mapping[str, Detections],
    statistics: Mapping[str, ImageStatistics],
) -> None:
    """What the model finds in held-out photos: the reference that monitoring compares with.

    Args:
        dataset: all photos, split, hashed and in groups; only validation and test photos are taken.
        folder: the model folder, its threshold and its count models in place.
        detections: in these photos, by name.
        statistics: of these photos, by name, measured as the service will.
    """
    from sparrow.inference.count_estimates import CountEstimator, whole_photos
    from sparrow.predictions.reference_records import LoggedModel, records_from_detections
    from sparrow.predictions.window import write_reference

    info = read_info(folder)
    counts = CountEstimator(info, whole_photos(info))
    images = dataset.images[dataset.images["split"] != "train"]
    records = records_from_detections(
        detections,
        [_as_measured(row, statistics) for row in images.to_dict("records")],
        # It gets its number when it is registered.
        LoggedModel(info.name, "unpublished", info.class_names, info.threshold),
        {name: counts.all_counts(detections[name]) for name in images["image"]},
    )
    groups = group_numbers(images).tolist()
    write_reference(folder / REFERENCE, records, groups, images["n_boxes"].tolist())


def _as_measured(
    row: Mapping[Hashable, Any], statistics: Mapping[str, ImageStatistics]
) -> dict[str, Any]:
    """A row of the photo table whose image statistics are the model's own measurements."""
    values = {str(name): value for name, value in row.items()}
    measured = statistics[str(values["image"])]
    return values | dict(zip(STATISTICS, measured, strict=True))
