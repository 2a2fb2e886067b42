"""An optimizer and its schedule, tried on a network of two layers before photos are decoded."""

from __future__ import annotations

import torch
from torch import nn

from sparrow.config import ConfigError, TrainingConfig
from sparrow.training.optimizer import make_optimizer
from sparrow.training.schedule import make_schedule

STEPS_PER_EPOCH = 2


def try_out(config: TrainingConfig) -> None:
    """Make both and take two epochs of steps, on the processor.

    Raises:
        ConfigError: there is no such class, or it does not take its parameters or their values.
    """
    network = nn.Sequential(nn.Conv2d(1, 1, 2), nn.Flatten(), nn.Linear(1, 1))
    optimizer = make_optimizer(network, config)
    # OneCycleLR may be given more steps than these: how many there will be, only photos can say.
    schedule = make_schedule(config, optimizer, 1 if _has_steps(config) else 2 * STEPS_PER_EPOCH)
    try:
        for _ in range(2):
            for _ in range(STEPS_PER_EPOCH):
                optimizer.zero_grad()
                network(torch.ones(1, 1, 2, 2)).sum().backward()
                optimizer.step()
                if schedule is not None:
                    schedule.after_step()
            if schedule is not None:
                schedule.after_epoch(1.0, 0.5)
    except Exception as error:  # PyTorch has no one type for values that it refuses
        named = {config.optimizer: config.optimizer_parameters}
        named |= {config.schedule: config.schedule_parameters}
        shown = " with ".join(f"{name} {given or ''}".strip() for name, given in named.items())
        raise ConfigError(f"training: {shown} cannot be used: {error}") from error


def _has_steps(config: TrainingConfig) -> bool:
    return bool(config.schedule_parameters.keys() & {"total_steps", "epochs", "steps_per_epoch"})
