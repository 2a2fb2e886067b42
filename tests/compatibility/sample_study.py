# ruff: noqa: I001 its modules are those of the earlier commit
"""The sample's config and its study, for ``make_sample.py``."""

from __future__ import annotations

from typing import Any

import numpy as np

NAME = "garden-sparrows"
STUDY = f"{NAME}-1"
# No value is the default, so that one which is lost on the way to another name is noticed.
VALUES: dict[str, Any] = {
    "name": NAME,
    "data.huge_box_share": 0.9,
    "split.test_share": 0.3,
    "split.validation_share": 0.25,
    "model.weights": "none",
    "model.frozen_normalisation": False,
    "model.min_side_px": 64,
    "model.max_side_px": 128,
    "training.epochs": 5,
    "evaluation.bootstrap_samples": 100,
    "service.keep_share": 0.5,
    "service.max_photos": 7,
    "tuning.trials": 9,
    "tuning.startup_trials": 3,
    "tuning.space": {
        "model.frozen_normalisation": [True, False],
        "training.accumulate": [2, 4],
        "training.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "training.momentum": {"low": 0.5, "high": 0.95},
        "training.optimizer": ["adamw", "sgd"],
        "training.processes": [1, 2],
        "training.warmup_share": {"low": 0.05, "high": 0.35},
    },
    "tuning.conditions": {"training.momentum": {"training.optimizer": "sgd"}},
}


def make_config() -> Any:
    """Of the training: every store below the working folder."""
    from sparrow.config import Config, with_values

    return with_values(Config(), VALUES)


def tune(config: Any) -> dict[str, Any]:
    """A finished study, some of its trials pruned; its best values."""
    import optuna

    from sparrow.model.tuning import best_values, run_trials, suggest

    def objective(trial: optuna.Trial) -> float:
        values = suggest(trial, config)
        score = 0.5 + 0.1 * (values["training.processes"] == 2) + values["training.warmup_share"]
        score += 0.2 * (values["training.accumulate"] == 4)
        score -= 0.1 * values["model.frozen_normalisation"]
        score -= abs(np.log10(values["training.learning_rate"]) + 3) / 10
        for epoch in range(1, 6):
            trial.report(score * epoch / 5, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(score)

    run_trials(config, STUDY, objective)
    return best_values(config, STUDY)
