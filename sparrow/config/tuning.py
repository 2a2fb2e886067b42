"""What is tried, and how long."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sparrow.config.base import Count, Section
from sparrow.config.names import (
    PRUNERS,
    SAMPLERS,
    Parameters,
    PrunerName,
    SamplerName,
    refuse_idle,
)


class NumberRange(Section):
    """A number to tune, between low and high, both included."""

    low: float
    high: float
    log: bool = False  # sampled by its logarithm; low is above 0 then, and there is no step
    step: float | None = None  # of which high - low is a whole number
    integer: bool = False  # low, high and step are whole numbers, and so is what is tried


Choice = str | float | int | bool | None


class TuningConfig(Section):
    """Optuna. ``space`` maps keys of model, training and augmentation to the values they may take.

    What no trial could use as it is written is refused when the config is read.
    """

    trials: Annotated[int, Field(ge=0)] = 20  # 0 skips tuning; the training section is used as is
    timeout_minutes: Annotated[float, Field(gt=0)] | None = None
    workers: Count = 1  # parallel steps on one shared study
    epochs: Count = 10
    photos: Count | None = None  # train each trial on so many photos; null: all
    threads: Count = 2  # per worker
    # Random ones before the sampler "tpe" learns from them and the pruner "median" compares.
    startup_trials: Annotated[int, Field(ge=0)] = 5
    warmup_epochs: Annotated[int, Field(ge=0)] = 3  # that "median" lets every trial run
    # "tpe", or a class of optuna.samplers with sampler_parameters; its seed follows from `seed`.
    sampler: SamplerName = "tpe"
    sampler_parameters: Parameters = Field(default_factory=dict)
    # "halving" lets one in three trials go on past 1, 3, 9 … epochs; "hyperband" does so from 1
    # epoch on for some trials, from 3 or 9 for others: slower, kinder to slow starters. Or a class
    # of optuna.pruners with pruner_parameters.
    pruner: PrunerName = "median"
    pruner_parameters: Parameters = Field(default_factory=dict)
    # A study that several runs continue, each with `trials` more; null: each run has its own.
    study: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    space: dict[str, NumberRange | tuple[Choice, ...]] = Field(default_factory=dict)
    # Keys tuned only when another key has a given value, such as
    # {"training.momentum": {"training.optimizer": "sgd"}}: the trial's value where that key is
    # tuned, and the config's own where it is not.
    conditions: dict[str, dict[str, Choice]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keys_apply(self) -> Self:
        if self.sampler in SAMPLERS:
            why = f"{self.sampler!r} is not a class of optuna.samplers"
            refuse_idle(self, {"sampler_parameters": why})
        if self.pruner in PRUNERS:
            why = f"{self.pruner!r} is not a class of optuna.pruners"
            refuse_idle(self, {"pruner_parameters": why})
        else:
            why = f"parameters of {self.pruner} are in pruner_parameters"
            refuse_idle(self, {"warmup_epochs": why})
            if self.sampler not in SAMPLERS:
                why += f", those of {self.sampler} in sampler_parameters"
                refuse_idle(self, {"startup_trials": why})
        return self
