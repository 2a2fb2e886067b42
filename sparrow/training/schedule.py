"""The learning rate: Sparrow's own schedules by their step, PyTorch's by their class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch.optim import Optimizer, lr_scheduler

from sparrow.config import SCHEDULES, ConfigError, TrainingConfig
from sparrow.training.named_classes import Family, read_nested

PER_STEP = ("OneCycleLR", "CyclicLR")  # advance with each step of the optimizer, not each epoch
ON_A_METRIC = ("ReduceLROnPlateau",)
NEEDS_A_FUNCTION = "it needs a function of Python's, which a config cannot hold"
FAMILY = Family(
    "training.schedule",
    lr_scheduler,
    lr_scheduler.LRScheduler,
    SCHEDULES,
    supplied={
        "optimizer": "it is training.optimizer",
        "last_epoch": "a checkpoint keeps it",
    },
    refused={"LambdaLR": NEEDS_A_FUNCTION, "MultiplicativeLR": NEEDS_A_FUNCTION},
)


def lr_scale(step: int, steps_per_epoch: int, config: TrainingConfig) -> float:
    """Learning rate of step ``step`` (from 0) as a fraction of the configured one."""
    total = steps_per_epoch * config.epochs
    warmup = round(config.warmup_fraction * total)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    fraction = (step - warmup) / max(1, total - warmup)
    if config.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * fraction))
    if config.schedule == "linear":
        return 1 - fraction
    if config.schedule == "step":
        return float(config.gamma ** (step // steps_per_epoch // config.step_epochs))
    return 1.0


class NamedSchedule:
    """A scheduler of PyTorch's, advanced when it means to be: by steps, epochs or a metric.

    ``ReduceLROnPlateau`` looks at the mean training loss where its ``mode`` is ``min`` (PyTorch's
    own default), and at the validation score that ``training.choose_by`` names where it is ``max``.
    """

    def __init__(self, config: TrainingConfig, optimizer: Optimizer, n_steps: int) -> None:
        """Of ``config.schedule``; ``n_steps`` are the steps of the whole training.

        Raises:
            ConfigError: there is no such class, it does not take these parameters, or it ends
                before the training does.
        """
        self._name = config.schedule
        parameters = dict(config.schedule_parameters)
        if self._name == "OneCycleLR":
            _fill_one_cycle(parameters, config, n_steps)
        self._scheduler = _make(self._name, parameters, optimizer)
        planned = getattr(self._scheduler, "total_steps", n_steps)
        if planned < n_steps:
            raise ConfigError(
                f"training.schedule_parameters: {self._name} ends after {planned} steps and the "
                f"training has {n_steps}; leave total_steps, epochs and steps_per_epoch out, and "
                "they are filled in"
            )

    def after_step(self) -> None:
        """To be called after each step of the optimizer, but for the training's last."""
        if self._name in PER_STEP:
            self._advance()

    def after_epoch(self, loss: float, score: float) -> None:
        """To be called after each epoch with its mean loss and its validation score."""
        if self._name in ON_A_METRIC:
            falling = getattr(self._scheduler, "mode", "min") == "min"
            self._scheduler.step(loss if falling else score)
        elif self._name not in PER_STEP:
            self._advance()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        state: dict[str, Any] = self._scheduler.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave."""
        self._scheduler.load_state_dict(state)

    def _advance(self) -> None:
        planned = getattr(self._scheduler, "total_steps", None)
        if planned is None or self._scheduler.last_epoch + 1 < planned:
            self._scheduler.step()


def make_schedule(
    config: TrainingConfig, optimizer: Optimizer, n_steps: int
) -> NamedSchedule | None:
    """The scheduler that ``config`` names by its class; None for Sparrow's own schedules."""
    if config.schedule in SCHEDULES:
        return None
    return NamedSchedule(config, optimizer, n_steps)


def _fill_one_cycle(parameters: dict[str, Any], config: TrainingConfig, n_steps: int) -> None:
    parameters.setdefault("max_lr", config.learning_rate)
    if not parameters.keys() & {"total_steps", "epochs", "steps_per_epoch"}:
        parameters["total_steps"] = n_steps


def _make(name: str, parameters: Mapping[str, Any], optimizer: Optimizer) -> Any:
    made = dict(parameters)
    if name in ("SequentialLR", "ChainedScheduler") and "schedulers" in made:
        made["schedulers"] = [_make_part(part, optimizer) for part in _as_list(made["schedulers"])]
    return FAMILY.make(name, made, {"optimizer": optimizer})


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _make_part(part: Any, optimizer: torch.optim.Optimizer) -> Any:
    name, parameters = read_nested(part, "training.schedule_parameters.schedulers")
    if name in (*PER_STEP, *ON_A_METRIC):
        raise ConfigError(
            f"training.schedule_parameters.schedulers: {name} does not advance by epochs, as the "
            "parts of another schedule do; give it as training.schedule"
        )
    return _make(name, parameters, optimizer)
