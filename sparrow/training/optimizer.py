"""Optimizer and averaged weights, from the training section of the config."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sparrow.config import OPTIMIZERS, TrainingConfig
from sparrow.training.named_classes import Family

Tensors = tuple[Tensor, ...] | list[Tensor]
FAMILY = Family(
    "training.optimizer",
    torch.optim,
    torch.optim.Optimizer,
    OPTIMIZERS,
    supplied={
        "params": "they are the detector's",
        "lr": "the learning rate is training.learning_rate",
    },
    refused={
        "LBFGS": "it asks for the loss several times a step (a closure), and each time a detector "
        "would look at other proposals",
        "SparseAdam": "it is for sparse gradients, which a detector has none of",
        "Muon": "it is for matrices only, and a detector has convolutions",
    },
)


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """The configured optimizer of all parameters that learn.

    Sparrow's own names are PyTorch's fused ones with ``weight_decay`` and ``momentum`` of the
    config; a class of ``torch.optim`` gets ``optimizer_parameters`` and is else as PyTorch has it.

    Raises:
        ConfigError: there is no such class, or it does not take these parameters.
    """
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer not in OPTIMIZERS:
        supplied: dict[str, Any] = {"params": learning, "lr": rate}
        made: torch.optim.Optimizer = FAMILY.make(
            config.optimizer, config.optimizer_parameters, supplied
        )
        return made
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
