"""MLflow runs: begun once, numbers per epoch, no number that is none."""

from __future__ import annotations

import math

import pytest

from sparrow.registry.tracking import (
    RunFacts,
    end_run,
    flat_params,
    log_epoch,
    log_numbers,
    log_pictures,
    make_client,
    start_run,
)


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
