"""Samplers and pruners by their class: what they propose again, and whom they end."""

from __future__ import annotations

import optuna
import pytest

from sparrow.config import Config, TuningConfig, with_values
from sparrow.training.sampler import make_pruner, make_sampler
from sparrow.training.tuning import suggest

COMPLETE, PRUNED = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED
RATE = "training.learning_rate"
CONFIG = Config(
    tuning=TuningConfig.model_validate_json(
        '{"space": {"training.learning_rate": {"low": 0.001, "high": 0.1, "log": true},'
        '"training.optimizer": ["SGD", "Adam"]}}'
    )
)


def proposed(config, trials=6):
    """What is tried in a study whose sampler is made anew for each trial, as workers do."""
    study, tried = optuna.create_study(direction="maximize"), []

    def objective(trial):
        tried.append(suggest(trial, config))
        return -tried[-1][RATE]

    for number in range(trials):
        study.sampler = make_sampler(config, number)
        study.optimize(objective, n_trials=1)
    return tried


@pytest.mark.parametrize(
    ("sampler", "parameters"),
    [
        ("tpe", {}),
        ("TPESampler", {"n_startup_trials": 2, "multivariate": True}),
        ("RandomSampler", {}),
        ("QMCSampler", {"warn_independent_sampling": False}),
        ("NSGAIISampler", {"population_size": 2, "crossover": "UniformCrossover"}),
        ("PartialFixedSampler", {"fixed_params": {RATE: 0.02}, "base_sampler": "TPESampler"}),
    ],
)
def test_the_same_seed_proposes_the_same_again(sampler, parameters):
    named = {"tuning.sampler": sampler, "tuning.sampler_parameters": parameters}
    config = with_values(CONFIG, named)
    tried = proposed(config)
    assert tried == proposed(config)
    assert (len({values[RATE] for values in tried}) == 1) == (sampler == "PartialFixedSampler")
    assert len({values["training.optimizer"] for values in tried}) == 2


def test_a_low_discrepancy_sequence_is_one_over_all_trials():
    # Sobol's points fill the range evenly: of four, one lies in each quarter of its logarithm.
    space = {"tuning.space": {RATE: {"low": 1.0, "high": 9.0}}}
    config = with_values(CONFIG, {**space, "tuning.sampler": "QMCSampler"})
    later = [values[RATE] for values in proposed(config, 5)][1:]  # the first is sampled freely
    assert sorted(int((rate - 1) // 2) for rate in later) == [0, 1, 2, 3]


def pruned(pruner, curves, **parameters):
    """The epoch after which each trial is ended; None for those that go to the end."""
    tuning = TuningConfig(pruner=pruner, pruner_parameters=parameters)
    study, ends = optuna.create_study(direction="maximize", pruner=make_pruner(tuning)), []

    for curve in curves:
        trial, end = study.ask(), None
        for epoch, score in enumerate(curve, start=1):
            trial.report(score, epoch)
            if trial.should_prune():
                end = epoch
                break
        study.tell(trial, None if end else curve[-1], PRUNED if end else COMPLETE)
        ends.append(end)
    return ends


def test_pruners_by_their_class_are_optunas():
    good, poor = [0.5, 0.6, 0.7, 0.8], [0.1, 0.2, 0.3, 0.4]
    assert pruned("NopPruner", [good, poor]) == [None, None]
    assert pruned("MedianPruner", [good, poor], n_startup_trials=1) == [None, 1]
    warmed = pruned("MedianPruner", [good, poor], n_startup_trials=1, n_warmup_steps=3)
    assert warmed == [None, 3]
    assert pruned("ThresholdPruner", [good, poor], lower=0.25) == [None, 1]
    assert pruned("PercentilePruner", [good, poor], percentile=25.0, n_startup_trials=1) == [
        None,
        1,
    ]


def test_a_patient_pruner_waits_with_the_one_it_wraps():
    median = {"MedianPruner": {"n_startup_trials": 1}}
    good, poor = [0.5] * 6, [0.2, 0.3, 0.1, 0.1, 0.1, 0.1]
    impatient = pruned("MedianPruner", [good, poor], n_startup_trials=1)
    patient = pruned("PatientPruner", [good, poor], wrapped_pruner=median, patience=2)
    assert impatient == [None, 1]
    assert patient == [None, 5]  # 0.3 in epoch 2, and three worse ones after it
