"""The only training loop: one detector, one set of photos, the best epoch kept.

Everything random in an epoch follows from (seed, epoch), so a run that was killed continues from
its last finished epoch and ends with the same numbers, to the bit, as one that was not (on CPU).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from sparrow.training.checkpoint import BEST, EpochRecord, TrainingState
from sparrow.training.distributed import World, choose_device, join_world
from sparrow.training.epoch import OnBatch, count_steps, run_epoch
from sparrow.training.optimizer import make_ema, make_optimizer
from sparrow.training.optimizer_step import LossNotFiniteError
from sparrow.training.resume import resume, settings_hash
from sparrow.training.schedule import make_schedule
from sparrow.training.task import TrainingError, TrainingTask

OnEpoch = Callable[[tuple[EpochRecord, ...]], None]


@dataclass(frozen=True)
class TrainingHooks:
    """What a training calls on its way.

    Attributes:
        on_epoch: called with the history after every epoch; may raise to stop (pruning). In the
            first process only.
        on_batch: called with (epoch, batches done, batches in the epoch), in each process after
            each of its optimizer steps.
    """

    on_epoch: OnEpoch | None = None
    on_batch: OnBatch | None = None


@dataclass(frozen=True)
class TrainingResult:
    """All epochs, the best of them, and the file with its weights."""

    history: tuple[EpochRecord, ...]
    best: EpochRecord
    weights_path: Path | None
    stopped: str | None  # why it ended before its time: the loss was not finite
    notes: tuple[str, ...] = ()  # what of an earlier start could not be used, and why


def train(
    model: nn.Module,
    task: TrainingTask,
    folder: Path | None = None,
    hooks: TrainingHooks = TrainingHooks(),
) -> TrainingResult:
    """Train ``model`` in place, together with other processes where a launcher started them.

    Args:
        model: a torchvision detector.
        task: photos, score, seed and settings.
        folder: of ``checkpoint.pt`` and ``best.safetensors``, the same for all processes. A whole
            checkpoint of this training is continued, any other set aside. None keeps nothing.
        hooks: what is called after batches and epochs.

    Raises:
        TrainingError: there is nothing to learn from, or the loss is not finite in the first epoch.
            Later, training ends with the epochs it has, and the result says why.
    """
    world = _join(task)
    # Channels last: measured 1.5 times the speed on two cores (docs/benchmarks.md).
    model.to(world.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema, optimizer = make_ema(model, task.training), make_optimizer(model, task.training)
    schedule = make_schedule(task.training, optimizer, task.training.epochs * count_steps(task))
    state = TrainingState(model, ema, optimizer, [], settings_hash(task), schedule=schedule)
    notes = resume(state, folder, world) if folder else ()
    for note in notes:
        print(note, flush=True)
    epochs = state.begun_after + task.training.epochs
    task = replace(task, training=task.training.model_copy(update={"epochs": epochs}))
    stopped = _run_epochs(state, task, world, folder, hooks)
    weights = folder / BEST if folder else None
    return TrainingResult(tuple(state.history), state.best(), weights, stopped, notes)


def _join(task: TrainingTask) -> World:
    """This process among those that train together, ready to train."""
    if len(task.photos) == 0:
        raise TrainingError("there is no training photo; the split left none")
    accumulated = task.training.gradient_accumulation_steps
    world = join_world(choose_device(task.training.device))
    if accumulated % world.size:
        raise TrainingError(
            f"training.gradient_accumulation_steps (batches a step: {accumulated}) must be a "
            f"multiple of the {world.size} processes that share them"
        )
    torch.set_num_threads(task.training.threads)
    return world


def _run_epochs(
    state: TrainingState,
    task: TrainingTask,
    world: World,
    folder: Path | None,
    hooks: TrainingHooks,
) -> str | None:
    """Train until all epochs are done or patience is over; why it ended early, where it did."""
    while len(state.history) < task.training.epochs and not _out_of_patience(state, task):
        try:
            record = run_epoch(state, task, world, hooks.on_batch)
        except LossNotFiniteError as error:
            if not state.history:
                raise TrainingError(str(error)) from error
            return f"{error} Epoch {state.best().epoch} is the best of those before."
        state.history.append(record)
        if world.rank > 0:
            continue
        if folder:
            if state.best() is record:
                state.save_best(folder)
            state.save(folder)
        if hooks.on_epoch:
            hooks.on_epoch(tuple(state.history))
    return None


def _out_of_patience(state: TrainingState, task: TrainingTask) -> bool:
    patience = task.training.patience_epochs
    if patience is None or not state.history:
        return False
    return len(state.history) - max(state.best().epoch, state.begun_after) >= patience
