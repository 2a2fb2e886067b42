"""MLflow runs: begun once, numbers per epoch, no number that is none."""

from __future__ import annotations

import math
import os

import pytest

from sparrow.evaluation.bootstrap import Interval
from sparrow.evaluation.class_scores import ClassScores
from sparrow.registry.tracking import (
    RunFacts,
    class_metrics,
    end_run,
    flat_params,
    log_epoch,
    log_numbers,
    log_pictures,
    make_client,
    start_run,
)
from sparrow.store_url import describe_tracking


@pytest.fixture
def client(stores):
    return make_client(stores)


def test_a_run_from_start_to_end(client, stores, tmp_path):
    run = start_run(
        client, "birds", stores.artifacts, tmp_path / "note",
        RunFacts({"training.epochs": 3, "data.sources": None}, {"metaflow_run": "7"}),
    )  # fmt: skip
    for epoch in (1, 2):
        log_epoch(client, run, epoch, {"loss": 1 / epoch})
    log_numbers(client, run, {"test_f_beta": 0.5, "test_empty": math.nan})
    log_pictures(client, run, {"Loss by epoch": b"\x89PNG", "Photo by ../A; CC0/1": b"\x89PNG"})
    end_run(client, run)
    found = client.get_run(run)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "7"
    assert found.data.params == {"training.epochs": "3", "data.sources": "None"}
    assert found.data.metrics == {"loss": 0.5, "test_f_beta": 0.5}
    assert [(m.step, m.value) for m in client.get_metric_history(run, "loss")] == [(1, 1), (2, 0.5)]
    assert [one.path for one in client.list_artifacts(run, "figures")] == [
        "figures/loss-by-epoch.png",
        "figures/photo-by-a-cc0-1.png",
    ]


def test_a_resumed_training_goes_on_with_its_run(client, stores, tmp_path):
    first = start_run(client, "birds", stores.artifacts, tmp_path / "note", RunFacts({"a": 1}))
    again = start_run(client, "birds", stores.artifacts, tmp_path / "note", RunFacts({"a": 1}))
    other = start_run(client, "birds", stores.artifacts, tmp_path / "other", RunFacts({"a": 1}))
    assert first == again != other
    experiment = client.get_experiment_by_name("birds")
    assert len(client.search_runs([experiment.experiment_id])) == 2


@pytest.mark.parametrize(
    ("values", "flat"),
    [
        ({}, {}),
        ({"a": 1, "b": {"c": 2, "d": {"e": 3}}}, {"a": 1, "b.c": 2, "b.d.e": 3}),
        ({"a": {}}, {"a": {}}),
        ({"a": 1, "b": {"c": 2}, "skipped": {"c": 3}}, {"a": 1, "b.c": 2}),
    ],
)
def test_flatten(values, flat):
    assert flat_params(values, skip=("skipped",)) == flat


@pytest.mark.parametrize("given", [None, "elsewhere", "a/b"])
def test_the_environment_goes_before_the_config(stores, tmp_path, monkeypatch, given):
    url = None if given is None else f"sqlite:///{tmp_path}/{given}/mlflow.db"
    if url is None:
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    client = make_client(stores)
    assert client.tracking_uri == (url or stores.tracking)
    # MLflow's own setter writes into the environment; a second project must not get the first's.
    assert os.environ.get("MLFLOW_TRACKING_URI") == url
    other = stores.model_copy(update={"tracking": f"sqlite:///{tmp_path}/other.db"})
    assert make_client(other).tracking_uri == (url or other.tracking)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "MLflow: sqlite:///own.db (stores.tracking)"),
        ("https://mlflow.example.org", "MLflow: https://mlflow.example.org (MLFLOW_TRACKING_URI)"),
        ("http://me:secret@host:5000", "MLflow: http://me:***@host:5000 (MLFLOW_TRACKING_URI)"),
    ],
)
def test_which_store_it_is_is_said_without_its_secrets(monkeypatch, given, said):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
    assert describe_tracking("sqlite:///own.db") == said


def test_metrics_of_classes_have_names_that_mlflow_takes_and_each_its_own(client, stores, tmp_path):
    names = ["a/b", "A b", "a_b", "a_b_2", "Großer: Vogel", "麻雀", "x" * 100, "100 % da"]
    number = Interval(0.5, 0.4, 0.6)
    classes = [ClassScores(name, 3, 2, 2, {"recall": number}) for name in names]
    metrics = class_metrics(classes)
    assert len(metrics) == 2 * len(names)
    assert len({name.casefold() for name in metrics}) == len(metrics)
    assert {"class_a_b_recall", "class_a_b_3_recall", "class_麻雀_recall"} <= set(metrics)
    run_id = start_run(client, "birds", stores.artifacts, tmp_path / "note")
    log_numbers(client, run_id, metrics)
    assert client.get_run(run_id).data.metrics == metrics
