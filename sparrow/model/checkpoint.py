"""What training is between two epochs: its parts, their history, and both on disk.

Everything random in an epoch follows from (seed, epoch), the order of the photos and the learning
rate from the epoch: no generator's state and no scheduler need keeping. bf16 has no loss scaler.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: mean losses per batch, validation score, time taken."""

    epoch: int  # from 1
    learning_rate: float  # at its end
    losses: dict[str, float]
    f_beta: float
    precision: float
    recall: float
    threshold: float
    train_seconds: float
    validation_seconds: float
    photos_per_second: float

    @property
    def loss(self) -> float:
        """Sum of the losses."""
        return sum(self.losses.values())

    def row(self) -> dict[str, Any]:
        """All numbers of the epoch by name."""
        return {**asdict(self), "loss": self.loss}


@dataclass(eq=False)
class TrainingState:
    """What a checkpoint holds."""

    model: nn.Module
    ema: AveragedModel | None
    optimizer: torch.optim.Optimizer
    history: list[EpochRecord]

    def scored_model(self) -> nn.Module:
        """The network that is validated and kept: the average where there is one."""
        return self.model if self.ema is None else self.ema.module

    def best(self) -> EpochRecord:
        """The epoch with the best score."""
        # max() keeps the first of equals: the shortest training that reached the score.
        return max(self.history, key=lambda record: record.f_beta)

    def save(self, path: Path) -> None:
        """Write all of it, at once or not at all."""
        state = {
            "model": self.model.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": [asdict(record) for record in self.history],
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from what ``save`` wrote."""
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(state["model"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = [EpochRecord(**record) for record in state["history"]]


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a network's tensors, at once or not at all."""
    partial = path.with_suffix(".partial")
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, partial)
    partial.replace(path)
