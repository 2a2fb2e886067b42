"""A tuning in MLflow: a run for the study, and within it one for each trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from sparrow.config import Config
from sparrow.registry.tracking import (
    RunFacts,
    end_run,
    flat_params,
    log_files,
    log_pictures,
    make_client,
    start_run,
)

if TYPE_CHECKING:
    from sparrow.training.study_facts import TrialFacts

TRIAL = "trial"  # a tag: its number
NOTE = "mlflow_tuning_run_id"  # a file beside the run's other files


@dataclass(frozen=True, eq=False)
class Tuning:
    """What a run's tuning came to.

    Attributes:
        study: its name.
        trials: those of this run.
        pictures: plots of the whole study as PNG, by title.
        files: that are kept too, such as the best values.
    """

    study: str
    trials: Sequence[TrialFacts]
    pictures: Mapping[str, bytes]
    files: Sequence[Path]


def log_tuning(config: Config, work_dir: Path, tuning: Tuning) -> str:
    """Write a tuning into MLflow, once, however often it is asked for; the id of its run.

    Args:
        config: untuned, whose space was searched.
        work_dir: of the Metaflow run; its name is the run's key.
        tuning: what is written.
    """
    client, key = make_client(config.stores), work_dir.name
    params = flat_params({"tuning": config.tuning.model_dump(mode="json")})
    facts = RunFacts(params | {"study": tuning.study}, {"metaflow_run": key})
    parent = start_run(client, config.name, config.stores.artifacts, work_dir / NOTE, facts)
    client.set_tag(parent, MLFLOW_RUN_NAME, f"{key} tuning")
    experiment = client.get_run(parent).info.experiment_id
    within = client.search_runs([experiment], f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{parent}'")
    logged = {run.data.tags.get(TRIAL) for run in within}
    for trial in tuning.trials:
        if str(trial.number) not in logged:
            _log_trial(client, experiment, parent, config.training.choose_by, trial)
    log_pictures(client, parent, tuning.pictures)
    log_files(client, parent, tuning.files, "tuning")
    end_run(client, parent)
    return parent


def nest_tuning(client: MlflowClient, work_dir: Path, training: str) -> None:
    """Show the run's tuning, where there is one, within the MLflow run of its training."""
    note = work_dir / NOTE
    if note.exists():
        client.set_tag(note.read_text().strip(), MLFLOW_PARENT_RUN_ID, training)


def _log_trial(
    client: MlflowClient, experiment: str, parent: str, measure: str, trial: TrialFacts
) -> None:
    began, ended = trial.times_ms
    tags = {MLFLOW_PARENT_RUN_ID: parent}
    run = client.create_run(experiment, began, tags, f"trial {trial.number}")
    scores = [
        Metric(f"validation_{measure}", score, ended, epoch)
        for epoch, score in trial.scores.items()
    ]
    if trial.score is not None:
        scores.append(Metric("score", trial.score, ended, 0))
    params = [Param(key, str(value)) for key, value in trial.values.items()]
    client.log_batch(run.info.run_id, scores, params)
    client.set_tag(run.info.run_id, TRIAL, str(trial.number))  # last: it is whole
    client.set_terminated(run.info.run_id, trial.state, ended)
