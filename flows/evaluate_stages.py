"""What the evaluate step of ``train.py`` does: a model folder and photos in, an Evaluation out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.config import Config
from sparrow.data.tables import Dataset, data_version
from sparrow.detections import Detections
from sparrow.model.folder import REFERENCE, read_info, write_info

if TYPE_CHECKING:
    from sparrow.evaluation.counting import CountModel

Progress = Callable[[int, int], None]


def evaluate_model(
    config: Config, dataset: Dataset, folder: Path, progress: Progress | None = None
) -> tuple[Any, dict[str, Detections]]:
    """Threshold and count interval from validation photos, then scores on test photos.

    The model folder's ``model.json`` is completed with all three, and what was found in both gives
    its ``reference.parquet``.

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
    write_model_reference(config, dataset, folder, found | detections, count_model)
    metrics = {name: value.to_list() for name, value in evaluation.headline.items()}
    write_info(folder, read_info(folder).model_copy(update={"metrics": metrics}))
    return evaluation, detections


def write_model_reference(
    config: Config,
    dataset: Dataset,
    folder: Path,
    found: Mapping[str, Detections],
    count_model: CountModel,
) -> None:
    """What the model saw and found in held-out photos: what monitoring holds production against.

    Args:
        config: whose ``data.near_duplicate_bits`` says which photos belong together.
        dataset: all photos, split and hashed; only validation and test photos are taken.
        folder: the model folder, its threshold in place.
        found: detections in these photos, by name.
        count_model: the model's.
    """
    from sparrow.data.split import photo_groups
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
    groups = photo_groups(images, config.data.near_duplicate_bits)
    write_reference(folder / REFERENCE, records, groups.tolist(), images["n_boxes"].tolist())


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
