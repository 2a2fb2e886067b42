"""Optimizer, learning rate and averaged weights, from the training section of the config."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sparrow.config import TrainingConfig

Tensors = tuple[Tensor, ...] | list[Tensor]


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


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """The configured optimizer of all parameters that learn."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            learning, rate, momentum=config.momentum, weight_decay=decay, fused=True
        )
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(learning, rate, weight_decay=decay, fused=True)


def make_ema(model: nn.Module, config: TrainingConfig) -> AveragedModel | None:
    """An exponential average of the weights, buffers included; None where the decay is 0.

    It starts short and grows with the steps: min(decay, (1 + n) / (10 + n)) after n of them, as in
    TensorFlow's ``ExponentialMovingAverage``. Else a short training would be scored on its start.
    """
    if config.ema_decay == 0:
        return None

    def update(averages: Tensors, values: Tensors, n_averaged: Tensor | int) -> None:
        n = int(n_averaged)
        get_ema_multi_avg_fn(min(config.ema_decay, (1 + n) / (10 + n)))(averages, values, n)

    return AveragedModel(model, multi_avg_fn=update, use_buffers=True)
