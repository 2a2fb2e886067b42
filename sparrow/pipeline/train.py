"""What the training step of ``train.py`` does: a trained network, its engine, its model folder.

Torch and MLflow are imported inside the functions that need them, so that a step that does without
also starts without.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.config import Config
from sparrow.data.tables import Dataset, data_version
from sparrow.drawing.attempt import attempt_drawing
from sparrow.inference.model_folder import ModelInfo
from sparrow.pipeline.continuation import find_origin, why_weights_alone
from sparrow.pipeline.epoch_photos import PHOTOS, EpochPhotos
from sparrow.pipeline.trained_folder import MODEL, keep_trained_info
from sparrow.pipeline.training_run import RunPlace, epoch_metrics, git_commit, start_training_run
from sparrow.pipeline.tuning import BEST_VALUES

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from numpy.typing import NDArray
    from torch import nn

    from sparrow.training.epoch_record import EpochRecord
    from sparrow.training.loop import TrainingHooks, TrainingResult
    from sparrow.training.task import TrainingTask

CHECKPOINTS = "checkpoints"
Draw = Callable[[tuple["EpochRecord", ...]], Path | None]


@dataclass(frozen=True)
class Trained:
    """What training leaves behind."""

    run_key: str  # of the run that it belongs to
    mlflow_run_id: str
    history: tuple[dict[str, Any], ...]
    best_epoch: int
    values: dict[str, Any]  # tuned keys
    stopped: str | None  # why training ended before its time
    notes: tuple[str, ...] = ()  # what of an earlier start was damaged and set aside


def training_photos(
    task: TrainingTask, allowed: Collection[str], count: int = 12
) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """What the network sees of some training photos in its first epoch.

    Args:
        allowed: names of the photos that may be shown.

    Returns:
        Pixels, uint8 [H, W, 3], and boxes, float32 [N, 4], of each, by its name.
    """
    from sparrow.training.augmented_dataset import AugmentedPhotos, derive_seed

    seen = AugmentedPhotos(task.photos, task.augmentation, derive_seed(task.seed, 1))
    shown = [i for i, name in enumerate(task.photos.images) if name in allowed]
    chosen = shown[:: max(1, len(shown) // count)][:count]
    samples = {task.photos.images[i]: seen[i] for i in chosen}
    return {
        name: (image.permute(1, 2, 0).numpy(), boxes.numpy())
        for name, (image, boxes, _) in samples.items()
    }


def train_model(
    tuned: Config, dataset: Dataset, task: TrainingTask, place: RunPlace, hooks: TrainingHooks
) -> Trained:
    """Train with the tuned config, export the engine, write the model folder.

    ``task`` is of both (``load_task``). A killed run's checkpoint and MLflow run are continued.
    """
    from sparrow.registry.tracking import end_run, log_numbers, make_client
    from sparrow.registry.trial_runs import nest_tuning
    from sparrow.training.loop import train
    from sparrow.training.study_report import best_yaml

    checkpoints = place.folder / CHECKPOINTS
    checkpoints.mkdir(parents=True, exist_ok=True)
    model = _network(tuned, checkpoints)
    take_over_checkpoint(tuned, dataset, task, checkpoints)
    client = make_client(tuned.stores)
    run_id = start_training_run(client, tuned, dataset, place)
    nest_tuning(client, place.folder, run_id)
    if place.best_values:
        client.log_text(run_id, best_yaml(place.best_values), BEST_VALUES)
    photos = EpochPhotos(dataset, tuned.seed, tuned.data.show_licenses)
    kept = partial(photos.draw, folder=place.folder / PHOTOS)
    logged = _logged(hooks, client, run_id, kept)
    result = train(model, photos.watching(task), checkpoints, logged)
    log_numbers(client, run_id, {"best_epoch": result.best.epoch})
    end_run(client, run_id)
    export_trained(tuned, dataset, task, result, place.folder)
    return Trained(
        run_key=place.key,
        mlflow_run_id=run_id,
        history=tuple(record.row() for record in result.history),
        best_epoch=result.best.epoch,
        values=dict(place.best_values),
        stopped=result.stopped,
        notes=result.notes,
    )


def run_worker_rank(tuned: Config, dataset: Dataset, work_dir: Path) -> None:
    """Take this process's share of ``train_model``'s batches, and keep nothing."""
    from sparrow.training.loop import train
    from sparrow.training.task import load_task

    checkpoints = work_dir / CHECKPOINTS
    train(_network(tuned, checkpoints), load_task(tuned, dataset), checkpoints)


def take_over_checkpoint(
    tuned: Config, dataset: Dataset, task: TrainingTask, checkpoints: Path
) -> int:
    """Begin with the checkpoint of the training that this one goes on from, where it is to.

    Returns:
        How many epochs that training had; 0 where this one begins at its first.
    """
    from sparrow.training.continuation import epochs_of, has_begun, take_over

    origin = None if has_begun(checkpoints) else find_origin(tuned)
    if origin and origin.checkpoints and not why_weights_alone(origin, tuned, dataset):
        checkpoints.mkdir(parents=True, exist_ok=True)
        take_over(origin.checkpoints, checkpoints, task)
    return epochs_of(checkpoints)


def _network(tuned: Config, checkpoints: Path) -> nn.Module:
    """At its start: the same in every process."""
    from sparrow.detectors.build import build_seeded_detector, build_trained_detector
    from sparrow.training.continuation import has_begun

    origin = None if has_begun(checkpoints) else find_origin(tuned)
    if origin is not None:
        return build_trained_detector(tuned.model, len(tuned.data.classes), origin.weights)
    return build_seeded_detector(tuned.model, len(tuned.data.classes), tuned.seed)


def _logged(hooks: TrainingHooks, client: MlflowClient, run_id: str, draw: Draw) -> TrainingHooks:
    """The same hooks, and each epoch's numbers and photo in MLflow before them."""
    from sparrow.registry.tracking import log_epoch, log_files
    from sparrow.training.loop import TrainingHooks

    def on_epoch(history: tuple[EpochRecord, ...]) -> None:
        log_epoch(client, run_id, history[-1].epoch, epoch_metrics(history[-1]))
        photo = attempt_drawing("this epoch's photo", lambda: draw(history))
        log_files(client, run_id, [photo] if photo else [], PHOTOS)
        if hooks.on_epoch:
            hooks.on_epoch(history)

    return TrainingHooks(on_epoch, hooks.on_batch)


def export_trained(
    tuned: Config, dataset: Dataset, task: TrainingTask, result: TrainingResult, folder: Path
) -> None:
    """Write the model folder, its engine compared with the network on the set's photos.

    Args:
        tuned: the config that was trained with.
        dataset: all photos, split.
        task: of both.
        result: of the training, with a file of weights.
        folder: of the run; the model is in its ``model``.
    """
    from sparrow.export.folder import write_model_folder
    from sparrow.pipeline.export_photos import export_photos

    photos = export_photos(tuned, dataset, task)
    info = _model_info(tuned, dataset, result.best.threshold)
    assert result.weights_path is not None  # noqa: S101 a folder was given
    write_model_folder(tuned.model, result.weights_path, photos, info, folder / MODEL)
    keep_trained_info(folder)


def _model_info(config: Config, dataset: Dataset, threshold: float) -> ModelInfo:
    return ModelInfo(
        name=config.name,
        architecture=config.model.architecture,
        class_names=config.data.classes,
        min_side_px=config.model.min_side_px,
        max_side_px=config.model.max_side_px,
        min_score=config.evaluation.min_score,
        threshold=threshold,
        data_version=data_version(dataset),
        git_commit=git_commit(),
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        config=config.of_the_training(),
        metrics={},
        engine_parity={},
        decoding="scaled",
    )
