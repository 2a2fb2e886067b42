"""Samplers, which propose values, and pruners, which end trials early: Optuna's, by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    SuccessiveHalvingPruner,
)
from optuna.samplers import BaseSampler, TPESampler

from sparrow.config import PRUNERS, SAMPLERS, Config, ConfigError, TuningConfig
from sparrow.config.trials import holds, samples
from sparrow.training.named_classes import Family, read_nested

REDUCTION = 3  # one of so many trials is continued past a rung
SAMPLER_FAMILY = Family(
    "tuning.sampler",
    optuna.samplers,
    BaseSampler,
    SAMPLERS,
    supplied={"seed": "it follows from the config's seed"},
    packages={"CmaEsSampler": "cmaes", "GPSampler": "scipy", "QMCSampler": "scipy"},
)
PRUNER_FAMILY = Family(
    "tuning.pruner",
    optuna.pruners,
    BasePruner,
    PRUNERS,
    refused={
        "WilcoxonPruner": "it compares the steps of two trials one by one, as where each step is a "
        "problem of its own; a trial here reports its best score so far, epoch by epoch"
    },
)
NESTED = {  # parameters that are objects, and what of
    "wrapped_pruner": PRUNER_FAMILY,
    "base_sampler": SAMPLER_FAMILY,
    "independent_sampler": SAMPLER_FAMILY,
    "crossover": Family(
        "tuning.sampler", optuna.samplers.nsgaii, optuna.samplers.nsgaii.BaseCrossover
    ),
}
# A trial's place in their order follows from its number: one seed for all of them.
ONE_SEED = {"GridSampler", "QMCSampler"}


def make_sampler(config: Config, trial_number: int) -> BaseSampler:
    """What proposes the values of one trial; its seed follows from the config's and the number.

    Raises:
        ConfigError: there is no such class, it does not take these parameters, or its package is
            missing.
    """
    seed = (config.seed * 1_000_003 + trial_number) % 2**32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if config.tuning.sampler in SAMPLERS:
            return TPESampler(
                n_startup_trials=config.tuning.startup_trials, constant_liar=True, seed=seed
            )
        name, parameters = config.tuning.sampler, dict(config.tuning.sampler_parameters)
        if name in ONE_SEED:
            seed = config.seed
        if name == "GridSampler":
            parameters["search_space"] = _checked_grid(config, parameters)
        made: BaseSampler = _make(SAMPLER_FAMILY, name, parameters, seed)
        return made


def make_pruner(tuning: TuningConfig) -> BasePruner:
    """What ends a trial early.

    Raises:
        ConfigError: see ``make_sampler``.
    """
    if tuning.pruner == "median":
        return MedianPruner(tuning.startup_trials, tuning.warmup_epochs)
    if tuning.pruner == "halving":
        return SuccessiveHalvingPruner(1, REDUCTION)
    if tuning.pruner == "hyperband":
        return HyperbandPruner(1, tuning.epochs, REDUCTION)
    if tuning.pruner == "none":
        return NopPruner()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        made: BasePruner = _make(PRUNER_FAMILY, tuning.pruner, tuning.pruner_parameters, 0)
        return made


def _make(family: Family, name: str, parameters: Mapping[str, Any], seed: int) -> Any:
    """An object of Optuna's, and the ones that are parameters of it."""
    made = dict(parameters)
    for key, inner in NESTED.items():
        if made.get(key) is not None:
            where = f"{family.key}_parameters.{key}"
            made[key] = _make(inner, *read_nested(made[key], where), seed)
    kind = family.check(name, made)
    return family.make(name, made, {"seed": seed} if _takes_seed(kind) else {})


def _takes_seed(kind: type) -> bool:
    import inspect

    return "seed" in inspect.signature(kind).parameters


def _checked_grid(config: Config, parameters: Mapping[str, Any]) -> Any:
    """The grid that the config gives, where its keys and values are those of the space.

    Raises:
        ConfigError: they are not, or there is none and the space has no points.
    """
    grid, space = parameters.get("search_space"), config.tuning.space
    if grid is None:
        return _grid(config)
    where = "tuning.sampler_parameters.search_space"
    if not isinstance(grid, Mapping) or grid.keys() != space.keys():
        raise ConfigError(f"{where}: expected the keys of tuning.space: {', '.join(space)}")
    for key, values in grid.items():
        listed = values if isinstance(values, list) else [values]
        wrong = [value for value in listed if not holds(space[key], value)]
        if wrong or not isinstance(values, list):
            raise ConfigError(
                f"{where}.{key}: expected a list of values that tuning.space.{key} holds; "
                f"found {wrong[0] if wrong else values!r}"
            )
    return grid


def _grid(config: Config) -> dict[str, list[Any]]:
    """The points of the space, as GridSampler wants them.

    Raises:
        ConfigError: a range has no steps, and so no points.
    """
    grid: dict[str, list[Any]] = {}
    for key, choices in config.tuning.space.items():
        if isinstance(choices, tuple):
            grid[key] = list(choices)
        elif choices.step or (choices.integer and not choices.log):
            step, low = choices.step or 1, choices.low
            points = [low + i * step for i in range(round((choices.high - low) / step) + 1)]
            grid[key] = [round(p) for p in points] if choices.integer else points
        else:
            low, *_, high = samples(choices)
            raise ConfigError(
                f"tuning.sampler: GridSampler needs points, and tuning.space.{key} is a range "
                f"without steps ({low:g} to {high:g}); give it a step, or list its values"
            )
    return grid
