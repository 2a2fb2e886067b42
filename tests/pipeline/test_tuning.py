"""What a tuning leaves: the best values, plots as files, a run of MLflow's for each trial."""

from __future__ import annotations

import shutil

import pytest

from sparrow.config import StoresConfig, with_values
from sparrow.data.tables import data_version
from sparrow.pipeline.tuning import choose_best

RATE = "training.learning_rate"


@pytest.fixture
def tuned(config, tmp_path):
    stores = StoresConfig(
        tuning=f"sqlite:///{tmp_path}/optuna.db", tracking=f"sqlite:///{tmp_path}/mlflow.db",
        artifacts=str(tmp_path / "artifacts"), runs=str(tmp_path / "runs"),
    )  # fmt: skip
    space = {RATE: {"low": 0.001, "high": 0.1, "log": True}, "training.ema_decay": [0.0, 0.5]}
    changes = {"tuning.space": space, "tuning.trials": 3, "tuning.study": "shared"}
    return with_values(config.model_copy(update={"stores": stores}), changes)


def run_trials_of(config, dataset, key, tmp_path):
    """A run's tuning with an objective of milliseconds."""
    from sparrow.training.study_facts import settle_study
    from sparrow.training.tuning import run_trials, suggest

    def objective(trial):
        score = 1 - suggest(trial, config)[RATE]
        for epoch in (1, 2):
            trial.report(score / (3 - epoch), epoch)
        return score

    name, _ = settle_study(config, f"study-{key}", data_version(dataset))
    run_trials(config, name, objective, run=f"study-{key}")
    work_dir = tmp_path / "runs" / key
    work_dir.mkdir(parents=True)
    return work_dir


def test_no_tuning_leaves_nothing(tuned, dataset, tmp_path):
    none = with_values(tuned, {"tuning.trials": 0})
    outcome = choose_best(none, "s", dataset, tmp_path)
    assert (outcome.changed_values, outcome.trials) == ({}, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_second_run_of_a_study(tuned, dataset, empty_mlflow, tmp_path):
    from sparrow.registry.tracking import make_client, start_run
    from sparrow.registry.trial_runs import Tuning, log_tuning, nest_tuning
    from sparrow.training.study_report import finished_trials

    shutil.copy(empty_mlflow, tmp_path)
    run_trials_of(tuned, dataset, "1", tmp_path)
    second = run_trials_of(tuned, dataset, "2", tmp_path)
    outcome = choose_best(tuned, "study-2", dataset, second)
    assert len(outcome.trials) == 6
    best = min(row[RATE] for row in outcome.trials)
    trained = with_values(tuned, outcome.changed_values)
    assert trained.training.learning_rate == best
    plots = {path.name for path in (second / "tuning").iterdir()}
    assert plots == {
        "optimisation-history.png", "intermediate-values.png", "empirical-distribution.png",
        "slice.png", "parallel-coordinates.png", "contour.png", "importances.png",
    }  # fmt: skip

    again = finished_trials(tuned, "shared", "study-2")
    log_tuning(tuned, second, Tuning("shared", again, {}, []))  # resumed: nothing is there twice
    client = make_client(tuned.stores)
    experiment = client.get_experiment_by_name(tuned.name).experiment_id
    runs = client.search_runs([experiment])
    parent = next(run for run in runs if "trial" not in run.data.tags)
    assert parent.info.run_name == "2 tuning"
    trials = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    # Those of the first run are nested in its own.
    assert sorted(int(run.data.tags["trial"]) for run in trials) == [3, 4, 5]
    for run in trials:
        row = outcome.trials[int(run.data.tags["trial"])]
        assert float(run.data.params[RATE]) == row[RATE]
        assert run.data.metrics["score"] == row["score"]
        curve = client.get_metric_history(run.info.run_id, "validation_f_beta")
        points = [(point.step, point.value) for point in curve]
        assert points == [(1, row["score"] / 2), (2, row["score"])]
        assert run.info.status == "FINISHED"
    figures = {file.path for file in client.list_artifacts(parent.info.run_id, "figures")}
    assert "figures/optimisation-history.png" in figures
    files = [file.path for file in client.list_artifacts(parent.info.run_id, "tuning")]
    assert files == ["tuning/best_params.yaml"]

    training = start_run(client, tuned.name, tuned.stores.artifacts, second / "mlflow_run_id")
    nest_tuning(client, second, training)
    nested = client.get_run(parent.info.run_id)
    assert nested.data.tags["mlflow.parentRunId"] == training
    nest_tuning(client, tmp_path, training)  # a run without tuning
