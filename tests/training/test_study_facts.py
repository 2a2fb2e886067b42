"""One study over several runs: what counts as the same study, and what is said where it is not."""

from __future__ import annotations

import optuna
import pytest

from sparrow.config import Config, StoresConfig, TrainingConfig, TuningConfig, with_values
from sparrow.training.study_facts import CONFIG_NAME, describe_changes, settle_study, study_facts
from sparrow.training.study_report import finished_trials, trial_table
from sparrow.training.study_store import open_storage
from sparrow.training.tuning import best_values, run_trials, suggest

RATE = "training.learning_rate"
RANGE = {"low": 0.001, "high": 0.1, "log": True}


@pytest.fixture
def config(tmp_path):
    return Config(
        stores=StoresConfig(tuning=f"sqlite:///{tmp_path}/optuna.db"),
        training=TrainingConfig(learning_rate=0.01),
        tuning=TuningConfig.model_validate_json(
            '{"trials": 3, "startup_trials": 2, "pruner": "none", "study": "shared", "space": '
            '{"training.learning_rate": {"low": 0.001, "high": 0.1, "log": true}}}'
        ),
    )


def work(config, run, version="v1"):
    """One run's part: the study's name, what was said, the rates it tried."""
    name, note = settle_study(config, run, version)
    tried = []

    def objective(trial):
        tried.append(suggest(trial, config)[RATE])
        return -abs(tried[-1] - 0.02)

    run_trials(config, name, objective, run=run if config.tuning.study else "")
    return name, note, tried


def test_without_a_name_each_run_has_its_own_study(config):
    own = with_values(config, {"tuning.study": None})
    assert [work(own, run)[0] for run in ("first", "second")] == ["first", "second"]
    assert len(trial_table(own, "first")) == 3


def test_a_named_study_gets_more_trials_from_each_run(config):
    first, second = work(config, "first"), work(config, "second")
    assert [first[:2], second[:2]] == [("shared", ""), ("shared", "")]
    assert [len(first[2]), len(second[2])] == [3, 3]
    assert first[2][0] == 0.01  # the config's own value, once
    assert 0.01 not in second[2]
    rows = trial_table(config, "shared")
    assert [row["run"] for row in rows] == ["first"] * 3 + ["second"] * 3
    best = min([*first[2], *second[2]], key=lambda rate: abs(rate - 0.02))
    assert best_values(config, "shared") == {RATE: best}  # of all runs
    assert [trial.number for trial in finished_trials(config, "shared", "second")] == [3, 4, 5]
    assert len(finished_trials(config, "shared", "")) == 6
    assert work(config, "second")[2] == []  # resumed: it does not begin to count anew


CHANGES = [
    ({}, "v2", 'data version "v1" (now "v2")'),
    ({"training.choose_by": "recall"}, "v1", 'training.choose_by "f_beta" (now "recall")'),
    ({"evaluation.iou": 0.4}, "v1", "evaluation.iou 0.5 (now 0.4)"),
    ({"training.batch_size": 2}, "v1", "training.batch_size 8 (now 2)"),
    ({"augmentation.rain": 0.5}, "v1", "augmentation.rain 0.0 (now 0.5)"),
    ({"model.min_side_px": 96}, "v1", "model.min_side_px 320 (now 96)"),
    ({"tuning.epochs": 3}, "v1", "tuning.epochs 10 (now 3)"),
    ({"seed": 5}, "v1", "seed 0 (now 5)"),
    ({"split.test_fraction": 0.3}, "v1", "split.test_fraction"),
    ({"data.classes": ["a", "b"]}, "v1", "data.classes"),
    ({"tuning.space": {RATE: {"low": 0.001, "high": 0.05}}}, "v1", '{"high": 0.1'),
    ({"tuning.space": {}}, "v1", "(now not in it)"),
    (
        {"tuning.space": {RATE: RANGE, "training.ema_decay": {"low": 0.0, "high": 0.5}}},
        "v1",
        "tuning.space.training.ema_decay not in it (now",
    ),
]


@pytest.mark.parametrize(("changes", "version", "said"), CHANGES)
def test_what_scores_depend_on_is_no_longer_the_same_study(config, changes, version, said):
    facts = study_facts(with_values(config, changes), version)
    assert said in describe_changes(study_facts(config, "v1"), facts)


@pytest.mark.parametrize(
    "changes",
    [
        {"tuning.trials": 1}, {"tuning.sampler": "RandomSampler"}, {"tuning.pruner": "none"},
        {RATE: 0.02}, {"training.epochs": 99}, {"training.threads": 1}, {"name": "another"},
        {"tuning.timeout_minutes": 5.0}, {"promotion.min_f_beta": 0.1}, {"data.root": "elsewhere"},
    ],
)  # fmt: skip
def test_what_no_score_depends_on_may_change(config, changes):
    facts = study_facts(with_values(config, changes), "v1")
    assert describe_changes(study_facts(config, "v1"), facts) == ""


def test_a_change_begins_a_study_beside_it(config):
    _, _, tried = work(config, "first")
    name, note, others = work(config, "second", "v2")
    assert name.startswith("shared-")
    assert f"this run works on the study {name}" in note
    assert min(tried, key=lambda rate: abs(rate - 0.02)) in others  # begins with the best of before
    assert settle_study(config, "third", "v2")[0] == name  # and is continued in turn
    assert settle_study(config, "fourth", "v1") == ("shared", "")  # with the old photos the old one


def test_a_study_of_an_earlier_release_is_continued_and_said(config):
    storage = open_storage(config.stores.tuning)
    study = optuna.create_study(study_name="shared", storage=storage, direction="maximize")
    study.set_user_attr(CONFIG_NAME, config.name)
    name, note = settle_study(config, "first", "v1")
    assert name == "shared"
    assert "is not known" in note


def test_the_facts_hold_what_is_not_tuned(config):
    facts = study_facts(config, "v1")
    assert facts["training.optimizer"] == '"adamw"'
    assert RATE not in facts  # each trial has its own
    assert "training.epochs" not in facts  # a trial trains for tuning.epochs


@pytest.mark.parametrize("sampler", ["GridSampler", "BruteForceSampler"])
def test_a_grid_is_gone_through_once(config, sampler):
    space = {
        "training.momentum": [0.5, 0.6],
        "training.ema_decay": {"low": 0, "high": 0.5, "step": 0.25},
    }
    grid = with_values(
        config, {"tuning.sampler": sampler, "tuning.space": space, "tuning.trials": 20}
    )
    name, _ = settle_study(grid, "first", "v1")
    tried = []

    def objective(trial):
        tried.append(tuple(suggest(trial, grid).values()))
        return 0.0

    run_trials(grid, name, objective, run="first")
    assert sorted(tried) == [(m, e) for m in (0.5, 0.6) for e in (0.0, 0.25, 0.5)]
    run_trials(grid, name, objective, run="second")
    assert len(tried) == 6
