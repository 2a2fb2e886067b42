"""One shared study: what it tries, that it goes on where it stopped, what it says at the end."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys

import optuna
import pytest
import yaml

from sparrow.config import Config, StoresConfig, TrainingConfig, TuningConfig, with_values
from sparrow.training.study_report import best_yaml, study_figures, trial_table
from sparrow.training.study_store import StudyError
from sparrow.training.tuning import best_values, open_study, run_trials, suggest

pytestmark = pytest.mark.slow  # all of the file together

RATE, KIND, MOMENTUM = "training.learning_rate", "training.optimizer", "training.momentum"


@pytest.fixture
def config(tmp_path):
    """A space of one range, one choice and one key that only SGD has."""
    return Config(
        stores=StoresConfig(tuning=f"sqlite:///{tmp_path}/studies/optuna.db"),
        training=TrainingConfig(learning_rate=0.01, optimizer="sgd", momentum=0.9),
        tuning=TuningConfig.model_validate_json(
            '{"trials": 6, "startup_trials": 2, "pruner": "none", "space": {'
            '"training.optimizer": ["sgd", "adam"],'
            '"training.learning_rate": {"low": 0.001, "high": 0.1, "log": true},'
            '"training.momentum": {"low": 0.5, "high": 0.95}},'
            '"conditions": {"training.momentum": {"training.optimizer": "sgd"}}}'
        ),
    )


def objective_of(config):
    """The nearer the rate is to 0.02 the better; only the values decide."""

    def objective(trial):
        return -abs(suggest(trial, config)[RATE] - 0.02)

    return objective


def test_no_trials(config):
    none = with_values(config, {"tuning.trials": 0})
    run_trials(none, "s", pytest.fail)
    assert trial_table(none, "s")[0]["state"] == "waiting"  # the config's own values
    with pytest.raises(RuntimeError, match="study s: none of its 1 trials was completed"):
        best_values(none, "s")


def test_the_configs_own_values_come_first(config):
    run_trials(config, "s", objective_of(config))
    rows = trial_table(config, "s")
    assert len(rows) == 6
    assert (rows[0][RATE], rows[0][KIND], rows[0][MOMENTUM]) == (0.01, "sgd", 0.9)
    assert best_values(config, "s")[RATE] == max(rows, key=lambda row: row["score"])[RATE]
    assert max(row["score"] for row in rows) >= rows[0]["score"]


def test_values_outside_the_space_are_not_forced_in(config):
    outside = with_values(config, {"training.learning_rate": 0.5})
    run_trials(with_values(outside, {"tuning.trials": 1}), "s", objective_of(config))
    assert trial_table(config, "s")[0][RATE] <= 0.1


def test_a_key_that_is_null_is_in_no_range(config):
    space = {"training.patience_epochs": {"low": 1, "high": 3, "integer": True}}
    tuned = with_values(config, {"tuning.space": space, "tuning.conditions": {}})
    assert open_study(tuned, "s").get_trials() == []
    values = suggest(optuna.create_study().ask(), tuned)
    assert values["training.patience_epochs"] in (1, 2, 3)


def test_conditions(config):
    run_trials(config, "s", objective_of(config))
    kinds = set()
    for row in trial_table(config, "s"):
        assert (MOMENTUM in row) == (row[KIND] == "sgd")
        kinds.add(row[KIND])
    assert kinds == {"sgd", "adam"}


@pytest.mark.parametrize(
    ("own", "wanted", "tuned"),
    [
        ({"training.optimizer": "sgd"}, {"training.optimizer": "sgd"}, True),
        ({"training.optimizer": "adamw"}, {"training.optimizer": "sgd"}, False),
        ({"training.schedule": "step"}, {"training.schedule": "step"}, True),
        ({"training.patience_epochs": None}, {"training.patience_epochs": None}, True),
        ({"training.patience_epochs": 3}, {"training.patience_epochs": None}, False),
        ({"model.freeze_batch_norm": False}, {"model.freeze_batch_norm": False}, True),
        ({"training.batch_size": 4}, {"training.batch_size": 4, "training.optimizer": "sgd"}, True),
    ],
)
def test_a_condition_on_a_key_that_is_not_tuned_asks_the_config(config, own, wanted, tuned):
    space = {MOMENTUM: {"low": 0.5, "high": 0.95}}
    values = {**own, "tuning.space": space, "tuning.conditions": {MOMENTUM: wanted}}
    alone = with_values(config, values)
    assert (MOMENTUM in suggest(optuna.create_study().ask(), alone)) == tuned
    # The first trial, with the config's own values, sees it the same way.
    first = open_study(alone, "s").get_trials()
    assert [trial.system_attrs["fixed_params"] for trial in first] == [{MOMENTUM: 0.9}] * tuned


def test_conditions_hold_whatever_the_order_in_which_keys_are_written(config):
    """Each depends on the one below it; the chain's end is tuned only where the whole chain is."""
    space = {
        "training.gamma": {"low": 0.1, "high": 0.2},
        MOMENTUM: {"low": 0.6, "high": 0.8, "step": 0.2},
        KIND: ["sgd", "adam"],
    }
    conditions = {"training.gamma": {MOMENTUM: 0.8}, MOMENTUM: {KIND: "sgd"}}
    chain = with_values(config, {"tuning.space": space, "tuning.conditions": conditions})
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen = set()
    for _ in range(20):
        values = suggest(study.ask(), chain)
        assert (MOMENTUM in values) == (values[KIND] == "sgd")
        # With Adam the trial trains with the config's momentum, 0.9.
        assert ("training.gamma" in values) == (values.get(MOMENTUM, 0.9) == 0.8)
        seen.add(tuple(sorted(values)))
    assert len(seen) == 3


@pytest.mark.parametrize(("own", "first"), [(0.6, [{MOMENTUM: 0.6}]), (0.65, []), (0.3, [])])
def test_the_configs_own_value_is_tried_only_where_the_space_gives_it(config, own, first):
    space = {MOMENTUM: {"low": 0.4, "high": 0.8, "step": 0.2}}
    values = {MOMENTUM: own, "tuning.space": space, "tuning.conditions": {}}
    trials = open_study(with_values(config, values), "s").get_trials()
    assert [trial.system_attrs["fixed_params"] for trial in trials] == first


def test_ranges_of_whole_numbers_and_steps(config):
    space = {
        "training.batch_size": {"low": 2, "high": 8, "step": 2, "integer": True},
        "augmentation.blur": {"low": 0.0, "high": 1.0, "step": 0.25},
    }
    tuned = with_values(config, {"tuning.space": space, "tuning.conditions": {}})
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(5):
        values = suggest(study.ask(), tuned)
        assert values["training.batch_size"] in (2, 4, 6, 8)
        assert isinstance(values["training.batch_size"], int)
        assert values["augmentation.blur"] in (0, 0.25, 0.5, 0.75, 1)


def test_an_interrupted_study_goes_on_as_it_would_have(config, tmp_path):
    run_trials(config, "whole", objective_of(config))
    config = with_values(config, {"name": "another"})  # the first study is nothing to start from
    run_trials(with_values(config, {"tuning.trials": 3}), "parts", objective_of(config))
    run_trials(config, "parts", objective_of(config))

    def tried(name):
        return [(row[KIND], row[RATE], row["score"]) for row in trial_table(config, name)]

    assert tried("parts") == tried("whole")
    run_trials(config, "parts", pytest.fail)  # it holds enough


def test_pruned_trials_count_and_never_win(config):
    def objective(trial):
        suggest(trial, config)
        trial.report(0.9 if trial.number else 0.1, 1)
        if trial.number:
            raise optuna.TrialPruned
        return 0.1

    few = with_values(config, {"tuning.trials": 3})
    run_trials(few, "s", objective)
    rows = trial_table(few, "s")
    assert [(row["state"], row["score"], row["epochs"]) for row in rows] == [
        ("complete", 0.1, 1), ("pruned", 0.9, 1), ("pruned", 0.9, 1),
    ]  # fmt: skip
    assert best_values(few, "s")[RATE] == 0.01


def test_an_error_in_a_trial_is_not_swallowed(config):
    def objective(trial):
        raise ZeroDivisionError("broken")

    with pytest.raises(ZeroDivisionError, match="broken"):
        run_trials(config, "s", objective)


def test_on_trial_sees_every_trial(config):
    seen = []
    run_trials(
        with_values(config, {"tuning.trials": 2}), "s", objective_of(config),
        lambda study, trial: seen.append((trial.number, trial.state.name)),
    )  # fmt: skip
    assert seen == [(0, "COMPLETE"), (1, "COMPLETE")]


def test_the_next_study_starts_from_the_last_ones_best(config):
    run_trials(config, "first", objective_of(config))
    best = best_values(config, "first")
    run_trials(with_values(config, {"tuning.trials": 2}), "second", objective_of(config))
    rows = trial_table(config, "second")
    assert rows[0][RATE] == 0.01  # the config's own
    assert {key: rows[1][key] for key in best} == best
    # Another config's study, or another space, has nothing to say.
    other = with_values(config, {"name": "another", "tuning.trials": 2})
    assert len(open_study(other, "third").get_trials()) == 1
    space = {KIND: ["sgd", "adam"]}
    narrow = with_values(config, {"tuning.space": space, "tuning.conditions": {}})
    assert len(open_study(narrow, "fourth").get_trials()) == 1


@pytest.mark.parametrize(("pruner", "at_least"), [("hyperband", 4), ("halving", 11)])
def test_pruning_by_epochs(config, pruner, at_least):
    def objective(trial):
        suggest(trial, config)
        for epoch in range(1, 10):
            trial.report(1.0 / (trial.number + 1), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return 1.0 / (trial.number + 1)

    tuned = with_values(config, {"tuning.pruner": pruner, "tuning.epochs": 9, "tuning.trials": 12})
    run_trials(tuned, "s", objective)
    states = [row["state"] for row in trial_table(tuned, "s")]
    assert states[0] == "complete"
    # Each trial is worse than all before it: halving stops every one, hyperband lets some be.
    assert states.count("pruned") >= at_least
    assert best_values(tuned, "s")[RATE] == 0.01


def test_figures_need_something_to_show(config):
    assert study_figures(config, "s") == {}
    run_trials(config, "s", objective_of(config))
    figures = study_figures(config, "s")
    assert len(figures) == 7
    assert all(png.startswith(b"\x89PNG") for png in figures.values())


def test_best_values_as_yaml():
    assert best_yaml({}) == "{}\n"
    text = best_yaml({RATE: 0.01, KIND: "sgd", "augmentation.blur": 0.5})
    assert yaml.safe_load(text) == {
        "training": {"learning_rate": 0.01, "optimizer": "sgd"},
        "augmentation": {"blur": 0.5},
    }


WORKER = """
import os, sys, time
from pathlib import Path
from sparrow.config import Config
from sparrow.training import study_store, tuning

study_store.HEARTBEAT_S, study_store.STALE_AFTER_S, tuning.WAIT_S = 1, 2, 0.2
config = Config.model_validate_json(Path(sys.argv[1]).read_text())

def objective(trial):
    value = tuning.suggest(trial, config)["training.learning_rate"]
    print(trial.number, flush=True)
    time.sleep(float(sys.argv[2]))
    return -abs(value - 0.02)

tuning.run_trials(config, "shared", objective)
"""


@pytest.fixture
def worker(config, tmp_path):
    """A function that starts one worker of the study ``shared``, its trials so many seconds."""
    (tmp_path / "config.json").write_text(config.model_dump_json())
    (tmp_path / "worker.py").write_text(WORKER)

    def start(seconds):
        command = [sys.executable, tmp_path / "worker.py", tmp_path / "config.json", str(seconds)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    return start


def test_two_workers_run_no_trial_too_many_and_lose_none(config, worker):
    workers = [worker(0.05), worker(0.05)]
    outputs = [process.communicate()[0].split() for process in workers]
    assert [process.returncode for process in workers] == [0, 0]
    numbers = sorted(int(number) for number in itertools.chain(*outputs))
    assert numbers == [0, 1, 2, 3, 4, 5]  # each by one worker, as many as asked for
    assert {row["state"] for row in trial_table(config, "shared")} == {"complete"}


def test_the_trial_of_a_killed_worker_is_tried_again(config, worker):
    doomed = worker(60)
    assert doomed.stdout.readline() == "0\n"
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.communicate()
    other = worker(0)
    other.communicate()
    assert other.returncode == 0
    rows = trial_table(config, "shared")
    assert [row["state"] for row in rows].count("complete") == 6
    dead, again = rows[0], [row for row in rows[1:] if row[RATE] == rows[0][RATE]]
    assert dead["state"] == "fail"
    assert [row["state"] for row in again] == ["complete"]  # the same values, once


def _zero_a_page(path):
    data = bytearray(path.read_bytes())
    data[4096:8192] = bytes(4096)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_text("no database " * 1000),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
        _zero_a_page,
    ],
)
def test_a_damaged_store_of_studies_says_what_to_do(damage, config, tmp_path):
    run_trials(config, "s", objective_of(config))
    path = tmp_path / "studies" / "optuna.db"
    damage(path)
    with pytest.raises(StudyError, match="is damaged") as refused:
        run_trials(config, "s", objective_of(config))
    assert f"mv {path} {path}.damaged" in str(refused.value)
    path.rename(f"{path}.damaged")  # as it says
    run_trials(config, "s", objective_of(config))
    assert best_values(config, "s")
