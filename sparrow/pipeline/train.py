"""What the steps of ``train.py`` do up to a trained model, free of Metaflow: values in, values out.

Torch and MLflow are imported inside the functions that need them, so that a step that does without
also starts without.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sparrow.atomic_file import write_atomic
from sparrow.config import Config, with_values
from sparrow.data.tables import Dataset, data_version
from sparrow.inference.model_folder import (
    INFO,
    REQUIRED,
    ModelFolderError,
    ModelInfo,
    read_info,
)
from sparrow.progress import Progress
from sparrow.shipped import flow_command

CHECKPOINTS = "checkpoints"
MODEL = "model"
TRAINED = "trained.json"  # ``model.json`` as training left it, before it was evaluated
PARITY_PHOTOS = 6


@dataclass(frozen=True)
class Trained:
    """What training leaves behind."""

    folder: str  # the model folder
    mlflow_run_id: str
    history: tuple[dict[str, Any], ...]
    best_epoch: int
    values: dict[str, Any]  # tuned keys
    stopped: str | None  # why training ended before its time
    notes: tuple[str, ...] = ()  # what of an earlier start was damaged and set aside


def prepare_data(config: Config, progress: Progress | None = None) -> None:
    """Draw the demo's photos where the config asks for them and they are not there yet."""
    wanted = config.data.generate
    if wanted is None or Path(config.data.root).exists():
        return
    from sparrow.data.synthetic.generate import generate_dataset
    from sparrow.data.synthetic.settings import SyntheticSettings

    # Two first runs at once: the second waits for the first one's photos and takes them.
    settings = SyntheticSettings(wanted.photos, wanted.seed)
    generate_dataset(Path(config.data.root), settings, keep_existing=True, progress=progress)


def tune(config: Config, study: str, dataset: Dataset, on_trial: Callable[..., None]) -> None:
    """One worker's share of the study; nothing of the test split is seen."""
    if config.tuning.trials == 0:
        return
    from sparrow.training.task import load_task
    from sparrow.training.trial import make_objective
    from sparrow.training.tuning import run_trials

    objective = make_objective(config, load_task(config, dataset))
    run_trials(config, study, objective, on_trial)


def training_photos(
    config: Config, values: dict[str, Any], dataset: Dataset, count: int = 12
) -> list[tuple[Any, Any]]:
    """What the network sees of some training photos in its first epoch: pixels and boxes."""
    from sparrow.training.augmented_dataset import AugmentedPhotos, derive_seed
    from sparrow.training.dataset import load_detection_set

    tuned = with_values(config, values)
    classes, cache = config.data.classes, Path(config.data.prepared)
    photos = load_detection_set(dataset.subset("train"), classes, tuned.model, cache)
    seen = AugmentedPhotos(photos, tuned.augmentation, derive_seed(config.seed, 1))
    chosen = range(0, len(photos), max(1, len(photos) // count))[:count]
    return [(image.permute(1, 2, 0).numpy(), boxes.numpy()) for image, boxes, _ in
            (seen[i] for i in chosen)]  # fmt: skip


def train_model(
    config: Config,
    values: dict[str, Any],
    dataset: Dataset,
    work_dir: Path,
    run_key: str,
    on_epoch: Callable[..., None],
    on_batch: Callable[[int, int, int], None],
) -> Trained:
    """Train with the tuned values, export the engine, write the model folder.

    A checkpoint left in ``work_dir`` by a killed run is continued, and so is its MLflow run.
    """
    from sparrow.export.folder import write_model_folder
    from sparrow.registry.tracking import end_run, log_epoch, log_numbers, make_client
    from sparrow.training.loop import train
    from sparrow.training.study_report import best_yaml
    from sparrow.training.task import load_task

    tuned = with_values(config, values)
    model, task = _network(tuned), load_task(tuned, dataset)
    folder = work_dir / CHECKPOINTS
    folder.mkdir(parents=True, exist_ok=True)
    client = make_client(config.stores)
    run_id = _start_run(client, tuned, dataset, work_dir, run_key)
    if values:
        client.log_text(run_id, best_yaml(values), "best_params.yaml")

    def each_epoch(history: tuple[Any, ...]) -> None:
        last = history[-1]
        log_epoch(client, run_id, last.epoch, _epoch_metrics(last))
        on_epoch(history)

    result = train(
        model, task, tuned.training, tuned.augmentation,
        folder=folder, on_epoch=each_epoch, on_batch=on_batch, model_settings=_settings(tuned),
    )  # fmt: skip
    log_numbers(client, run_id, {"best_epoch": result.best.epoch})
    end_run(client, run_id)
    seen = task.validation
    examples = [seen.photo(i) for i in range(min(PARITY_PHOTOS, len(seen)))]
    info = _model_info(tuned, dataset, result.best.threshold)
    assert result.weights_path is not None  # noqa: S101 a folder was given
    write_model_folder(tuned.model, result.weights_path, examples, info, work_dir / MODEL)
    write_atomic(work_dir / TRAINED, (work_dir / MODEL / INFO).read_text(encoding="utf-8"))
    return Trained(
        folder=str(work_dir / MODEL),
        mlflow_run_id=run_id,
        history=tuple(record.row() for record in result.history),
        best_epoch=result.best.epoch,
        values=values,
        stopped=result.stopped,
        notes=result.notes,
    )


def reset_model_folder(work_dir: Path) -> None:
    """The model folder as training left it: what an evaluation that was killed wrote is taken back,
    and with it the hashes of half of its files.

    Raises:
        ModelFolderError: the folder is damaged; the message says how to make it anew.
    """
    folder, made = work_dir / MODEL, work_dir / TRAINED
    if made.is_file() and folder.is_dir():  # a run begun by an older release has no such file
        for path in folder.iterdir():
            if path.name not in REQUIRED:
                path.unlink()
        write_atomic(folder / INFO, made.read_text(encoding="utf-8"))
    check_model_folder(work_dir)


def check_model_folder(work_dir: Path) -> None:
    """Refuse a model folder that was damaged since the step before.

    Raises:
        ModelFolderError: it was; the message says how to make it anew.
    """
    try:
        read_info(work_dir / MODEL)
    except ModelFolderError as error:
        fault = str(error).replace("; restore the folder from the registry", "")
        raise ModelFolderError(
            f"{fault}. The model was damaged after it was trained; make it anew from its "
            f"checkpoint: {flow_command('train')} resume train"
        ) from None


def run_worker_rank(
    config: Config, values: dict[str, Any], dataset: Dataset, work_dir: Path
) -> None:
    """Fraction the batches of ``train_model``, which runs in another process, and keep nothing."""
    from sparrow.training.loop import train
    from sparrow.training.task import load_task

    tuned = with_values(config, values)
    model, task = _network(tuned), load_task(tuned, dataset)
    train(
        model, task, tuned.training, tuned.augmentation,
        folder=work_dir / CHECKPOINTS, model_settings=_settings(tuned),
    )  # fmt: skip


def _network(tuned: Config) -> Any:
    """At its start: the same in every process."""
    from sparrow.detectors.build import build_seeded_detector

    return build_seeded_detector(tuned.model, len(tuned.data.classes), tuned.seed)


def _settings(tuned: Config) -> str:
    """What a checkpoint must agree in, besides the training section."""
    return tuned.model.model_dump_json()


def _start_run(client: Any, config: Config, dataset: Dataset, work_dir: Path, key: str) -> str:
    from sparrow.registry.tracking import flat_params, start_run

    version = data_version(dataset)
    params = flat_params(
        config.model_dump(mode="json"), skip=("stores", "storage", "service", "tuning")
    )
    counts = {f"photos_{k}": int(n) for k, n in dataset.images["split"].value_counts().items()}
    return start_run(
        client,
        config.name,
        config.stores.artifacts,
        work_dir / "mlflow_run_id",
        {**params, **counts, "data_version": version},
        {"metaflow_run": key, "data_version": version, "git_commit": git_commit()},
    )


def _epoch_metrics(record: Any) -> dict[str, float]:
    scores = {name: getattr(record, name) for name in ("f_beta", "precision", "recall")}
    return {
        **{f"validation_{name}": value for name, value in scores.items()},
        **record.losses,
        "loss": record.loss,
        "learning_rate": record.learning_rate,
        "photos_per_second": record.photos_per_second,
    }


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
    )


def git_commit() -> str:
    """The commit of the code, ``unknown`` outside a clone."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(  # noqa: S603 a fixed command
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
