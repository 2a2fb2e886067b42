"""A trial starts from a fresh detector, whatever the trial before it did."""

from __future__ import annotations

from dataclasses import replace

import optuna

from sparrow.config import with_values
from sparrow.evaluation.validation import ThresholdScore
from sparrow.training.sampler import make_pruner
from sparrow.training.trial import make_objective
from sparrow.training.tuning import open_study


def test_two_trials_with_the_same_values_give_the_same_score(config, task):
    found = []

    def score(detections):
        """Besides scoring, keep what each trial's detector saw."""
        found.append({name: one.scores.tolist() for name, one in detections.items()})
        return task.score(detections)

    objective = make_objective(config, replace(task, score=score))
    study = optuna.create_study()
    scores = [objective(study.ask()) for _ in range(2)]
    assert scores[0] == scores[1]
    # A detector that went on learning would give other numbers, even at an equal score of 0.
    assert found[0] == found[1]
    assert any(found[0].values())


def test_a_trial_reports_every_epoch_and_may_be_pruned(config, task, tmp_path):
    tuned = with_values(
        config,
        {"stores.tuning": f"sqlite:///{tmp_path}/o.db", "tuning.epochs": 2, "tuning.space": {}},
    )
    study = open_study(tuned, "pruned")
    study.pruner = optuna.pruners.ThresholdPruner(lower=2.0)  # no score reaches 2
    objective = make_objective(tuned, task)
    study.optimize(objective, n_trials=1)
    trial = study.trials[0]
    assert trial.state.name == "PRUNED"
    assert list(trial.intermediate_values) == [1]  # stopped after its first epoch


def test_a_patient_pruner_gets_each_epochs_own_score_of_what_the_config_chooses_by(config, task):
    falling = iter((ThresholdScore(0.1, 0.0, 0.5, 0.5), ThresholdScore(0.9, 0.0, 0.25, 0.5)))
    wrapped = {"wrapped_pruner": None, "patience": 3}
    chosen = {"tuning.pruner": "PatientPruner", "tuning.pruner_parameters": wrapped}
    tuned = with_values(config, {**chosen, "training.choose_by": "recall", "tuning.epochs": 2})
    scored = replace(task, score=lambda _: next(falling))
    study = optuna.create_study(direction="maximize", pruner=make_pruner(tuned.tuning))
    study.optimize(make_objective(tuned, scored), n_trials=1)
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.25}
    assert study.best_value == 0.5


def test_a_trial_is_judged_on_the_way_as_it_is_in_the_end(config, task):
    falling = iter((0.5, 0.3))  # its second epoch is worse: the trial is worth its first

    def score(_):
        return ThresholdScore(next(falling), 0.0, 0.0, 0.5)

    tuned = with_values(config, {"tuning.epochs": 2})
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
    study.optimize(make_objective(tuned, replace(task, score=score)), n_trials=1)
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.5}
    assert study.best_value == 0.5
