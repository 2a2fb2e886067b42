"""A study that an earlier commit made, under the names that its keys have today."""

from __future__ import annotations

from typing import Any

from compatibility.renamed import today, with_names_of_today

from sparrow.config import Config, get_key, with_values


def tuned_before(config: Config, expected: dict[str, Any]) -> Config:
    """Today's config with the space of the sample's study."""
    tuning = {
        "tuning.trials": 9,
        "tuning.space": with_names_of_today(expected["space"]),
        "tuning.conditions": {today("training.momentum"): {today("training.optimizer"): "sgd"}},
    }
    return with_values(config, tuning)


def test_the_best_values_of_a_study_go_into_the_config(
    config: Config, expected: dict[str, Any]
) -> None:
    from sparrow.training.tuning import best_values

    config = tuned_before(config, expected)
    best = best_values(config, f"{config.name}-1")
    wanted = with_names_of_today(expected["best_values"])
    assert best == wanted
    tuned = with_values(config, best)
    assert {key: get_key(tuned, key) for key in wanted} == wanted


def test_a_study_goes_on(config: Config, expected: dict[str, Any]) -> None:
    from sparrow.training.tuning import best_values, run_trials, suggest

    config = with_values(tuned_before(config, expected), {"tuning.trials": 10})
    tried: list[dict[str, Any]] = []

    def objective(trial: Any) -> float:
        tried.append(suggest(trial, config))
        return 9.0  # better than all before

    run_trials(config, f"{config.name}-1", objective)
    assert len(tried) == 1
    assert best_values(config, f"{config.name}-1") == tried[0]


def test_the_next_study_begins_with_the_best_of_the_last(
    config: Config, expected: dict[str, Any]
) -> None:
    from sparrow.training.tuning import run_trials, suggest

    config = with_values(tuned_before(config, expected), {"tuning.trials": 2})
    tried: list[dict[str, Any]] = []

    def objective(trial: Any) -> float:
        tried.append(suggest(trial, config))
        return 0.5

    run_trials(config, f"{config.name}-2", objective)
    assert with_names_of_today(expected["best_values"]) in tried
