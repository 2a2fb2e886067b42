"""What is kept of an epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


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
    # Records of earlier releases have neither.
    ap: float = 0.0
    chosen_by: str = "f_beta"

    @property
    def score(self) -> float:
        """What the best epoch is chosen by: ``training.choose_by`` of the validation photos."""
        value: float = getattr(self, self.chosen_by)
        return value

    @property
    def loss(self) -> float:
        """Sum of the losses."""
        return sum(self.losses.values())

    def row(self) -> dict[str, Any]:
        """All numbers of the epoch by name."""
        return {**asdict(self), "loss": self.loss, "score": self.score}
