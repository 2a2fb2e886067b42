"""What training is between two epochs: its parts, their history, and both on disk.

Everything random in an epoch follows from (seed, epoch), the order of the photos from the epoch:
no generator's state needs keeping. bf16 has no loss scaler.

Each file is kept until the next one of its kind is whole, as ``….previous…``: a damaged one costs
an epoch, not the training.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from sparrow.regular_file import sha256_of
from sparrow.training.schedule import NamedSchedule
from sparrow.training.sealed_file import (
    DamagedFileError,
    check_seal,
    put_in_place,
    seal,
    set_aside,
)

CHECKPOINT, PREVIOUS_CHECKPOINT = "checkpoint.pt", "checkpoint.previous.pt"
BEST, PREVIOUS_BEST = "best.safetensors", "best.previous.safetensors"


class CheckpointError(RuntimeError):
    """A checkpoint that this training cannot continue; the message says why."""


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


@dataclass(eq=False)
class TrainingState:
    """What a checkpoint holds.

    Attributes:
        model: the network that learns.
        ema: its running average, where there is one.
        optimizer: with its moments.
        history: an entry for each finished epoch.
        settings: hash of all that decides how training continues; empty: not checked.
        best_sha256: of the best epoch's weights file; empty before there is one.
        schedule: a scheduler of PyTorch's; None where the rate follows from the step alone.
        begun_after: how many of the epochs are of the training that this one goes on from.
    """

    model: nn.Module
    ema: AveragedModel | None
    optimizer: torch.optim.Optimizer
    history: list[EpochRecord]
    settings: str = ""
    best_sha256: str = ""
    schedule: NamedSchedule | None = None
    begun_after: int = 0

    def scored_model(self) -> nn.Module:
        """The network that is validated and kept: the average where there is one."""
        return self.model if self.ema is None else self.ema.module

    def best(self) -> EpochRecord:
        """The epoch with the best score."""
        return _best_of(self.history)

    def save(self, folder: Path) -> None:
        """Write all of it, at once or not at all; the checkpoint before it stays beside it.

        Raises:
            CheckpointError: the disk is full, or refuses.
        """
        state = {
            "model": self.model.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": [asdict(record) for record in self.history],
            "settings": self.settings,
            "best_sha256": self.best_sha256,
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "begun_after": self.begun_after,
        }
        write_checkpoint(state, folder)

    def save_best(self, folder: Path) -> None:
        """Write the weights of the epoch that just ended as the best ones.

        Raises:
            CheckpointError: the disk is full, or refuses.
        """
        with _written(folder / "best.partial") as partial:
            save_weights(self.scored_model(), partial)
            self.best_sha256 = sha256_of(partial)
            put_in_place(partial, folder / BEST, folder / PREVIOUS_BEST)

    def restore(self, path: Path) -> tuple[str, ...]:
        """Continue from what ``save`` wrote. Where it raises, nothing of the state has changed.

        Returns:
            A sentence for each file beside it that was damaged and set aside.

        Raises:
            CheckpointError: the file is damaged or of another training, or the weights of its best
                epoch are lost.
        """
        saved = read_checkpoint(path)
        history, sha256 = self._check(saved), saved.get("best_sha256", "")
        weights, best = find_best(path.parent, sha256), _best_of(history)
        if weights is None and best is not history[-1]:
            raise CheckpointError(
                f"the weights of its best epoch, {best.epoch}, are missing or damaged"
            )
        self.model.load_state_dict(saved["model"])
        if self.ema is not None:
            self.ema.load_state_dict(saved["ema"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(saved["schedule"])
        self.history, self.best_sha256 = history, sha256
        self.begun_after = saved.get("begun_after", 0)
        return self._settle_best(path.parent, weights)

    def _check(self, saved: dict[str, Any]) -> list[EpochRecord]:
        """The epochs of a saved state, if it is one of this training."""
        try:
            history = [EpochRecord(**record) for record in saved["history"]]
            averaged = None if self.ema is None else self.ema.state_dict()
            fits = (
                _shapes(saved["model"]) == _shapes(self.model.state_dict())
                and (averaged is None) == (saved["ema"] is None)
                and _shapes(saved["ema"] or {}) == _shapes(averaged or {})
                and (self.schedule is None) == (saved.get("schedule") is None)
                and _groups(saved["optimizer"]) == _groups(self.optimizer.state_dict())
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"it is not a checkpoint of a training ({error!r})") from error
        if not fits or not history:
            raise CheckpointError("it is of another network or optimizer")
        # Checkpoints written before these two keys were added have neither.
        if self.settings and saved.get("settings", self.settings) != self.settings:
            raise CheckpointError("it was made with other settings or other photos")
        return history

    def _settle_best(self, folder: Path, weights: Path | None) -> tuple[str, ...]:
        """Give the file with the best epoch's weights its own name again."""
        path, notes = folder / BEST, []
        if weights is None:  # the best epoch is the last one: the checkpoint holds the same tensors
            if path.exists():
                aside = set_aside(path)
                notes.append(f"{path}: damaged. It is set aside as {aside.name} and written anew.")
            self.save_best(folder)
        elif weights != path:  # killed between newer weights and the checkpoint they belong to
            weights.replace(path)
        else:
            self.best_sha256 = self.best_sha256 or sha256_of(path)
        return tuple(notes)


def write_checkpoint(state: dict[str, Any], folder: Path) -> None:
    """Write what a checkpoint holds; the one before it stays beside it.

    Raises:
        CheckpointError: the disk is full, or refuses.
    """
    with _written(folder / "checkpoint.partial") as partial:
        torch.save(state, partial)
        seal(partial)
        put_in_place(partial, folder / CHECKPOINT, folder / PREVIOUS_CHECKPOINT)


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a network's tensors as safetensors."""
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)


@contextmanager
def _written(partial: Path) -> Iterator[Path]:
    """A file to write and then to rename; where that fails, it is deleted."""
    try:
        yield partial
    except (OSError, RuntimeError, SafetensorError) as error:  # torch's writer has none of its own
        partial.unlink(missing_ok=True)
        raise CheckpointError(
            f"{partial.parent}: what was learned cannot be kept ({error}). `sparrow status` shows "
            "what takes the room, `sparrow clean` what can go; then go on with: resume"
        ) from error


def _best_of(history: list[EpochRecord]) -> EpochRecord:
    # max() keeps the first of equals: the shortest training that reached the score.
    return max(history, key=lambda record: record.score)


def find_best(folder: Path, sha256: str) -> Path | None:
    """The file with the best epoch's weights; where no hash was kept, the one of that name."""
    path, previous = folder / BEST, folder / PREVIOUS_BEST
    if not sha256:
        return path if path.exists() else None
    for kept in (path, previous):
        if kept.exists() and sha256_of(kept) == sha256:
            return kept
    return None


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What ``write_checkpoint`` wrote.

    Raises:
        CheckpointError: it is damaged, or no checkpoint.
    """
    try:
        sealed = check_seal(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except DamagedFileError as error:
        raise CheckpointError(str(error)) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the disk, or a right to read: not the file's fault
        # torch has no error of its own for a file that is none of its own (EINVAL: where it seeks).
        raise CheckpointError(f"it cannot be read ({type(error).__name__})") from error
    if not isinstance(state, dict):
        raise CheckpointError("it is not a checkpoint of a training")
    if "settings" in state and not sealed:  # kept since hashes are
        raise CheckpointError("its end, with its SHA-256, is missing or damaged")
    return state


def _shapes(tensors: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in tensors.items()}


def _groups(optimizer: dict[str, Any]) -> list[tuple[frozenset[str], int]]:
    return [(frozenset(group), len(group["params"])) for group in optimizer["param_groups"]]
