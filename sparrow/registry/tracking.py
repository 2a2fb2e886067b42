"""MLflow runs: one a training, with parameters, metrics per epoch and the data it saw."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unicodedata import normalize

import mlflow
from mlflow import MlflowClient

from sparrow.atomic_file import write_atomic
from sparrow.config import StoresConfig
from sparrow.database_server import require_server, server_turn
from sparrow.drawing.picture_files import write_pictures
from sparrow.evaluation.class_scores import ClassScores
from sparrow.registry.moved_store import follow_moves
from sparrow.store_url import TRACKING_VARIABLE, resolve, tracking_url

MAX_NAME_LENGTH = 100  # of a class within a metric's name, for which MLflow has 250


def make_client(stores: StoresConfig) -> MlflowClient:
    """A client of MLflow's stores; the embedded SQLite file's folder is made on demand.

    ``MLFLOW_TRACKING_URI`` goes before ``stores.tracking``, as for every program of MLflow's.

    Raises:
        MovedStoreError: the project's folder is a copy without the files of its runs.
        ServerAwayError: a database server cannot be reached, or its driver is missing.
    """
    tracking = resolve(tracking_url(stores.tracking))
    registry = resolve(stores.registry) if stores.registry else tracking
    if tracking.startswith("sqlite:///"):
        Path(tracking.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    follow_moves(stores)
    # Model folders are small; its progress bars would only fill the flow's log.
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # MLflow writes what is set into the environment too, where it would go before the config of
    # whatever this process asks for or starts next.
    given = os.environ.get(TRACKING_VARIABLE)
    mlflow.set_tracking_uri(tracking)
    os.environ.pop(TRACKING_VARIABLE, None)
    if given is not None:
        os.environ[TRACKING_VARIABLE] = given
    mlflow.set_registry_uri(registry)
    for url in {tracking, registry}:
        require_server(url)  # MLflow itself would try again for most of an hour
    with server_turn(tracking, "sparrow tracking"):  # two that make its tables at once both fail
        return MlflowClient(tracking, registry)


@dataclass(frozen=True)
class RunFacts:
    """What a run says of itself: parameters (flat names -> values) and tags."""

    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


NO_FACTS = RunFacts()


def start_run(
    client: MlflowClient, experiment: str, artifacts: str, note: Path, facts: RunFacts = NO_FACTS
) -> str:
    """Create the run of a training, or find the one a killed training had begun.

    Args:
        client: from ``make_client``.
        experiment: made if it does not exist.
        artifacts: artifact root of a new experiment, a path or a URL.
        note: file that remembers the run's id beside the checkpoint.
        facts: parameters and tags of a new run.

    Returns:
        The run's id.
    """
    if note.exists():
        return note.read_text(encoding="utf-8").strip()
    experiment_id = _experiment_id(client, experiment, artifacts)
    run = client.create_run(
        experiment_id, tags=dict(facts.tags), run_name=facts.tags.get("metaflow_run")
    )
    for name, value in facts.params.items():
        client.log_param(run.info.run_id, name, value)
    write_atomic(note, run.info.run_id)
    return run.info.run_id


def _experiment_id(client: MlflowClient, name: str, artifacts: str) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        return str(experiment.experiment_id)
    root = artifacts if "://" in artifacts else Path(artifacts).absolute().as_uri()
    return str(client.create_experiment(name, artifact_location=root))


def log_epoch(client: MlflowClient, run_id: str, epoch: int, metrics: Mapping[str, float]) -> None:
    """Metrics of one epoch; ``epoch`` is the step of MLflow's plots."""
    for name, value in metrics.items():
        client.log_metric(run_id, name, value, step=epoch)


def log_numbers(client: MlflowClient, run_id: str, metrics: Mapping[str, float]) -> None:
    """Metrics of the finished model; a value that is not a number is left out."""
    for name, value in metrics.items():
        if value == value:
            client.log_metric(run_id, name, value)


def class_metrics(classes: Sequence[ClassScores]) -> dict[str, float]:
    """``class_goose_recall`` … of every class: names that MLflow takes, each once.

    A character that it does not take is ``_``; a name that is like another's then, whatever its
    case, gets the class's number (a class ``a/b`` beside ``a_b``: ``class_a_b_2_recall``).
    """
    metrics: dict[str, float] = {}
    used: set[str] = set()
    for number, scores in enumerate(classes, 1):
        name = re.sub(r"[^\w.-]", "_", normalize("NFC", scores.name))[:MAX_NAME_LENGTH]
        while name.casefold() in used:
            name = f"{name}_{number}"
        used.add(name.casefold())
        metrics |= {f"class_{name}_{key}": value.value for key, value in scores.scores.items()}
        metrics[f"class_{name}_objects"] = float(scores.objects)
    return metrics


def log_pictures(client: MlflowClient, run_id: str, pictures: Mapping[str, bytes]) -> None:
    """PNG pictures by title, as artifacts."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for path in write_pictures(pictures, Path(folder)):
            client.log_artifact(run_id, str(path), "figures")


def log_files(client: MlflowClient, run_id: str, files: Sequence[Path], place: str) -> None:
    """Files as artifacts under ``place``."""
    for file in files:
        client.log_artifact(run_id, str(file), place)


def end_run(client: MlflowClient, run_id: str) -> None:
    """Mark the run as finished."""
    client.set_terminated(run_id)


def flat_params(values: Mapping[str, Any], skip: Sequence[str] = ()) -> dict[str, Any]:
    """``{"training": {"epochs": 3}}`` -> ``{"training.epochs": 3}``, without some sections."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if name in skip:
            continue
        if isinstance(value, Mapping) and value:
            flat |= {f"{name}.{key}": inner for key, inner in flat_params(value).items()}
        else:
            flat[name] = value
    return flat
