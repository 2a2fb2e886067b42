"""What the first step of a run checks: classes that a config names, and their parameters.

PyTorch and Optuna are imported only where a class of theirs is named.
"""

from __future__ import annotations

from sparrow.config import (
    OPTIMIZERS,
    PRUNERS,
    SAMPLERS,
    SCHEDULES,
    Config,
    ConfigError,
    TrainingConfig,
    with_trial_values,
)
from sparrow.config.trials import possible_values


def check_names(config: Config) -> None:
    """Make every optimizer, schedule, sampler and pruner that a run may come to, once.

    Raises:
        ConfigError: the library has no such class, it does not take its parameters, or a package
            that it needs is missing; with the nearest name and what is allowed.
    """
    tuning = config.tuning
    if tuning.trials and (tuning.sampler not in SAMPLERS or tuning.pruner not in PRUNERS):
        from sparrow.training.sampler import make_pruner, make_sampler

        make_sampler(config, 0)
        make_pruner(tuning)
    if tuning.trials == 0:
        _try_named(config.training)
        return
    tried: list[TrainingConfig] = []
    for values in possible_values(config):
        try:
            training = with_trial_values(config, values).training
            if training not in tried:
                _try_named(training)
                tried.append(training)
        except ConfigError as error:
            shown = ", ".join(f"{key} = {v}" for key, v in values.items() if "training." in key)
            raise ConfigError(f"{error}{_in_a_trial(shown)}") from error


def _try_named(training: TrainingConfig) -> None:
    if training.optimizer in OPTIMIZERS and training.schedule in SCHEDULES:
        return
    from sparrow.training.try_out import try_out

    try_out(training)


def _in_a_trial(shown: str) -> str:
    if not shown:
        return ""
    return (
        f". So it would be in a trial with {shown}. A parameter of one class alone is tuned under "
        "a condition, and other trials do without it: tuning.conditions: "
        "{training.optimizer_parameters.momentum: {training.optimizer: SGD}}"
    )
