"""The MLflow run of a training: its parameters, its tags, what it keeps of an epoch."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sparrow.config import Config
from sparrow.data.tables import Dataset, data_version

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from sparrow.training.epoch_record import EpochRecord

NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class RunPlace:
    """Where a run keeps what it makes, and what it is noted with in MLflow.

    Attributes:
        folder: of the run, the same for all of its processes.
        key: of the run, the same when it is resumed.
        best_values: the keys that tuning changed, with their values.
        publish: called when something is in the folder that must outlive a kill of this host.
    """

    folder: Path
    key: str
    best_values: Mapping[str, Any]  # keys of any type the config has
    publish: Callable[[], None] = lambda: None


def start_training_run(
    client: MlflowClient,
    tuned: Config,
    dataset: Dataset,
    place: RunPlace,
    tags: Mapping[str, str] = NO_TAGS,
) -> str:
    """The MLflow run of a training, with its parameters: made, or the one a killed run had begun.

    Args:
        tags: beside those that name the run, the data and the code.
    """
    from sparrow.registry.tracking import RunFacts, flat_params, start_run

    version = data_version(dataset)
    # Plurals are under names of classes, which MLflow may not take; nothing depends on them.
    values = tuned.model_dump(mode="json", exclude={"data": {"plurals"}})
    params = flat_params(values, skip=("stores", "storage", "service", "tuning"))
    counts = {f"photos_{k}": int(n) for k, n in dataset.images["split"].value_counts().items()}
    facts = RunFacts(
        {**params, **counts, "data_version": version},
        {"metaflow_run": place.key, "data_version": version, "git_commit": git_commit(), **tags},
    )
    note = place.folder / "mlflow_run_id"
    run_id = start_run(client, tuned.name, tuned.stores.artifacts, note, facts)
    place.publish()
    return run_id


def epoch_metrics(record: EpochRecord) -> dict[str, float]:
    """What MLflow keeps of an epoch, by name."""
    scores = {name: getattr(record, name) for name in ("f_beta", "precision", "recall", "ap")}
    return {
        **{f"validation_{name}": value for name, value in scores.items()},
        **record.losses,
        "loss": record.loss,
        "learning_rate": record.learning_rate,
        "photos_per_second": record.photos_per_second,
    }


def git_commit() -> str:
    """The commit of the code, ``unknown`` outside a clone."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        answer = subprocess.run(  # noqa: S603 a fixed command
            command, cwd=Path(__file__).parent, capture_output=True, encoding="utf-8", check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()
