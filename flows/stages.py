"""What the steps of ``train.py`` do, free of Metaflow: values in, values out.

Torch, MLflow and BentoML are imported inside the functions that need them, so that a step that
does without also starts without.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sparrow.config import Config, with_values
from sparrow.data.tables import Dataset, data_version
from sparrow.detections import Detections
from sparrow.model.folder import WEIGHTS, ModelInfo, read_info, write_info

Progress = Callable[[int, int], None]
CHECKPOINTS = "checkpoints"
MODEL = "model"
PARITY_PHOTOS = 6


@dataclass(frozen=True)
class Trained:
    """What training leaves behind."""

    folder: str  # the model folder
    mlflow_run_id: str
    history: tuple[dict[str, Any], ...]
    best_epoch: int
    values: dict[str, Any]  # tuned keys


@dataclass(frozen=True)
class Promotion:
    """What promotion did."""

    version: int  # of the candidate
    champion_version: int | None  # after the decision
    champion_before: int | None
    decision: dict[str, Any]
    champion_evaluation: dict[str, Any] | None  # of the champion before, scored now


def prepare_data(config: Config, progress: Progress | None = None) -> None:
    """Draw the demo's photos where the config asks for them and they are not there yet."""
    wanted = config.data.generate
    if wanted is None or Path(config.data.root).exists():
        return
    from sparrow.data.generate import generate_dataset

    generate_dataset(
        Path(config.data.root), photos=wanted.photos, seed=wanted.seed, progress=progress
    )


def tune(config: Config, study: str, dataset: Dataset, on_trial: Callable[..., None]) -> None:
    """One worker's share of the study; nothing of the test split is seen."""
    if config.tuning.trials == 0:
        return
    from sparrow.evaluation.validation import make_score
    from sparrow.model.dataset import load_detection_set
    from sparrow.model.trial import make_objective
    from sparrow.model.tuning import run_trials

    classes, cache = config.data.classes, Path(config.data.prepared)
    photos = load_detection_set(dataset.subset("train"), classes, config.model, cache)
    held_out = dataset.subset("validation")
    validation = load_detection_set(held_out, classes, config.model, cache)
    score = make_score(held_out, classes, config.evaluation)
    run_trials(config, study, make_objective(config, photos, validation, score), on_trial)


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
    import torch

    from sparrow.evaluation.validation import make_score
    from sparrow.model.dataset import load_detection_set
    from sparrow.model.detector import build_detector
    from sparrow.model.training import Lesson, train
    from sparrow.release.tracking import end_run, log_epoch, log_numbers, make_client

    tuned = with_values(config, values)
    classes, cache = config.data.classes, Path(config.data.prepared)
    photos = load_detection_set(dataset.subset("train"), classes, config.model, cache)
    held_out = dataset.subset("validation")
    validation = load_detection_set(held_out, classes, config.model, cache)
    torch.manual_seed(config.seed)
    model = build_detector(tuned.model, len(classes))
    folder = work_dir / CHECKPOINTS
    folder.mkdir(parents=True, exist_ok=True)
    client = make_client(config.stores)
    run_id = _start_run(client, tuned, dataset, work_dir, run_key)

    def each_epoch(history: tuple[Any, ...]) -> None:
        last = history[-1]
        log_epoch(client, run_id, last.epoch, _epoch_metrics(last))
        on_epoch(history)

    score = make_score(held_out, classes, config.evaluation)
    lesson = Lesson(photos, validation, score, config.evaluation.min_score, config.seed)
    result = train(
        model, lesson, tuned.training, tuned.augmentation,
        folder=folder, on_epoch=each_epoch, on_batch=on_batch,
    )  # fmt: skip
    log_numbers(client, run_id, {"best_epoch": result.best.epoch})
    end_run(client, run_id)
    examples = [validation.photo(i) for i in range(min(PARITY_PHOTOS, len(validation)))]
    info = _model_info(tuned, dataset, result.best.threshold)
    write_model_folder(tuned, folder / "best.safetensors", examples, info, work_dir / MODEL)
    return Trained(
        folder=str(work_dir / MODEL),
        mlflow_run_id=run_id,
        history=tuple(record.row() for record in result.history),
        best_epoch=result.best.epoch,
        values=values,
    )


def write_model_folder(
    config: Config, weights: Path, examples: list[Any], info: ModelInfo, folder: Path
) -> ModelInfo:
    """Weights -> a whole model folder with its engine, the parity of both checked on ``examples``
    (photos uint8 [H, W, 3] at the network's size).
    """
    import shutil

    from sparrow.model.export import check_parity, export_engine, load_network

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(weights, folder / WEIGHTS)
    network = load_network(weights, config.model, len(info.class_names), info.min_score)
    engine = export_engine(network, examples[0], folder)
    parity = check_parity(network, engine, examples)
    return write_info(folder, info.model_copy(update={"engine_parity": parity}))


def predict_split(
    folder: Path, dataset: Dataset, threads: int, progress: Progress | None = None
) -> dict[str, Detections]:
    """A model folder's detections in every photo of ``dataset``, from the engine that serves."""
    from sparrow.model.runtime import Engine, detect_files

    engine = Engine(folder, threads)
    names = list(dataset.images["image"])
    each = (lambda done: progress(done, len(names))) if progress else None
    return detect_files(engine, [(name, dataset.image_path(name)) for name in names], each)


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


def promote(
    config: Config,
    dataset: Dataset,
    trained: Trained,
    evaluation: Any,
    run_key: str,
    forced: bool,
    work_dir: Path,
) -> Promotion:
    """Register the candidate once, score the champion on the same photos now, and decide."""
    from sparrow.evaluation.compare import compare
    from sparrow.release.promotion import decide
    from sparrow.release.registry import Registry
    from sparrow.release.tracking import log_numbers

    folder = Path(trained.folder)
    registry = Registry(config.stores, config.name)
    tags = {"metaflow_run": run_key, "config": config.content_hash()}
    version = registry.register(folder, trained.mlflow_run_id, run_key, tags)
    follows, champion = registry.last_entry(), registry.champion()
    before, comparison = None, None
    if champion is not None and champion.number != version.number:
        home = registry.download(champion.number, work_dir / "champion")
        before, _ = score_model(config, dataset, home)
        comparison = compare(evaluation, before, config, config.seed)
    size_mb = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    decision = decide(evaluation, before, comparison, size_mb, config.promotion, forced)
    log_numbers(
        registry.client,
        trained.mlflow_run_id,
        {f"test_{name}": value.value for name, value in evaluation.headline.items()},
    )
    registry.tag(version.number, {"decision": decision.reason})
    if decision.promote:
        registry.promote(
            version.number,
            decision.reason,
            forced=decision.forced,
            evidence=decision.to_dict(),
            follows=follows,
        )
    now = registry.champion()
    return Promotion(
        version=version.number,
        champion_version=now.number if now else None,
        champion_before=champion.number if champion else None,
        decision=decision.to_dict(),
        champion_evaluation=before.to_dict() if before else None,
    )


def bundle(config: Config, promotion: Promotion) -> str | None:
    """The Bento of the champion; None where no champion is."""
    if promotion.champion_version is None:
        return None
    from sparrow.release.bundle import build_bento
    from sparrow.release.registry import Registry

    folder = Registry(config.stores, config.name).publish(promotion.champion_version)
    return build_bento(folder, config.name, promotion.champion_version)


def write_report(work_dir: Path, report: dict[str, Any]) -> None:
    """``report.json`` of a run: what ``sparrow status`` reads."""
    work_dir.mkdir(parents=True, exist_ok=True)
    partial = work_dir / "report.partial"
    partial.write_text(json.dumps(report, indent=1) + "\n")
    partial.replace(work_dir / "report.json")


@dataclass(frozen=True)
class Report:
    """What a run came to: for ``sparrow status``, and in lines for people."""

    values: dict[str, Any]
    lines: list[str]


def make_report(
    run: str,
    version: str,
    trained: Trained,
    evaluation: Any,
    promotion: Promotion,
    bento: str | None,
) -> Report:
    """The end of a run in one value."""
    metrics = {name: one.to_list() for name, one in evaluation.headline.items()}
    values = {
        "run": run,
        "state": "finished",
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "data_version": version,
        "metrics": metrics,
        "threshold": evaluation.threshold,
        "candidate_version": promotion.version,
        "champion_version": promotion.champion_version,
        "decision": promotion.decision,
        "tuned": trained.values,
        "mlflow_run_id": trained.mlflow_run_id,
        "bento": bento,
    }
    score = evaluation.f_beta
    lines = [
        f"Data version {version}; {evaluation.n_photos} test photos.",
        f"F{evaluation.beta:g} at IoU {evaluation.iou:g}: {score.value:.3f} "
        f"({score.low:.3f} to {score.high:.3f}) at threshold {evaluation.threshold:.3f}, "
        f"best epoch {trained.best_epoch} of {len(trained.history)}.",
        f"Version {promotion.version}: {promotion.decision['reason']}",
        f"Champion: version {promotion.champion_version or 'none'}; Bento: {bento or 'none'}.",
    ]
    return Report(values, lines)


def _start_run(client: Any, config: Config, dataset: Dataset, work_dir: Path, key: str) -> str:
    from sparrow.release.tracking import flatten, start_run

    version = data_version(dataset)
    params = flatten(config.model_dump(mode="json"), skip=("stores", "service", "tuning"))
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
        config=config.model_dump(mode="json"),
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
