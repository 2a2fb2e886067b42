"""The only training loop: one detector, one set of photos, the best epoch kept.

Everything random in an epoch follows from (seed, epoch), so a run that was killed goes on from its
last finished epoch and ends with the same numbers, to the bit, as one that was not (on CPU).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from sparrow.config import AugmentationConfig, TrainingConfig
from sparrow.detectors.roi_pool import quick_pooling
from sparrow.training.augmented_dataset import AugmentedPhotos, derive_seed
from sparrow.training.checkpoint import BEST, EpochRecord, TrainingState
from sparrow.training.dataset import batches
from sparrow.training.distributed import World, join_world
from sparrow.training.optimizer import lr_scale, make_ema, make_optimizer
from sparrow.training.optimizer_step import Batch, LossNotFiniteError, take_step
from sparrow.training.prediction import predict_set
from sparrow.training.resume import go_on, settings_hash
from sparrow.training.task import TrainingTask


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why."""


OnBatch = Callable[[int, int, int], None]
OnEpoch = Callable[[tuple[EpochRecord, ...]], None]


@dataclass(frozen=True)
class TrainingResult:
    """All epochs, the best of them, and where its weights lie."""

    history: tuple[EpochRecord, ...]
    best: EpochRecord
    weights_path: Path | None
    stopped: str | None  # why it ended before its time: the loss was not finite
    notes: tuple[str, ...] = ()  # what of an earlier start could not be used, and why


def train(
    model: nn.Module,
    task: TrainingTask,
    config: TrainingConfig,
    augmentation: AugmentationConfig,
    *,
    folder: Path | None = None,
    on_epoch: OnEpoch | None = None,
    on_batch: OnBatch | None = None,
    model_settings: str = "",
) -> TrainingResult:
    """Train ``model`` in place, together with other processes where a launcher started them.

    Args:
        model: a torchvision detector.
        task: photos, score and seed.
        config: the training section.
        augmentation: the augmentation section.
        folder: where ``checkpoint.pt`` and ``best.safetensors`` go; a checkpoint found there is
            continued. One that is damaged, or of another training, is set aside: the one before
            it is continued, or training begins anew. None keeps nothing (tuning). All processes
            must see the same one.
        on_epoch: called with the history after every epoch; may raise to stop (pruning). In the
            first process only.
        on_batch: called with (epoch, batch, batches in the epoch), in each process for its own.
        model_settings: what else a checkpoint must agree in to be continued, such as the config's
            model section.

    Raises:
        TrainingError: there is nothing to learn from, or the loss is not finite in the first epoch.
            Later, training ends with the epochs it has, and the result says why.
    """
    if len(task.photos) == 0:
        raise TrainingError("there is no training photo; the split left none")
    device = choose_device(config.device)
    world = join_world(device.type)
    if config.gradient_accumulation_steps % world.size:
        raise TrainingError(
            "training.gradient_accumulation_steps (batches a step: "
            f"{config.gradient_accumulation_steps}) must be a multiple of the {world.size} "
            "processes that share them"
        )
    torch.set_num_threads(config.threads)
    # Channels last: measured 1.5 times the steps per second on two cores.
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    settings = settings_hash(
        config, augmentation, task.seed, (task.photos, task.validation), model_settings
    )
    state = TrainingState(
        model, make_ema(model, config), make_optimizer(model, config), [], settings
    )
    notes = go_on(state, folder, world, device) if folder else ()
    for note in notes:
        print(note, flush=True)
    stopped = None
    while len(state.history) < config.epochs and not _out_of_patience(state, config):
        try:
            record = _one_epoch(state, task, config, augmentation, device, world, on_batch)
        except LossNotFiniteError as error:
            if not state.history:
                raise TrainingError(str(error)) from error
            stopped = f"{error} Epoch {state.best().epoch} is the best of those before."
            break
        state.history.append(record)
        if world.rank > 0:
            continue
        if folder:
            if state.best() is record:
                state.save_best(folder)
            state.save(folder)
        if on_epoch:
            on_epoch(tuple(state.history))
    weights = folder / BEST if folder else None
    return TrainingResult(tuple(state.history), state.best(), weights, stopped, notes)


def choose_device(name: str) -> torch.device:
    """``auto`` takes the GPU where there is one; of several, each process its own."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    return torch.device(name)


def _one_epoch(
    state: TrainingState,
    task: TrainingTask,
    config: TrainingConfig,
    augmentation: AugmentationConfig,
    device: torch.device,
    world: World,
    on_batch: OnBatch | None,
) -> EpochRecord:
    epoch, started = len(state.history) + 1, time.perf_counter()
    with quick_pooling(state.model, device):
        rate, losses = _learn(epoch, state, task, config, augmentation, device, world, on_batch)
    trained = time.perf_counter()
    scores = torch.zeros(4, dtype=torch.float64, device=device)
    if world.rank == 0:
        scored = state.scored_model()
        with quick_pooling(scored, device):
            found = predict_set(scored, task.validation, task.min_score, device)
        result = task.score(found)
        scores.copy_(
            torch.tensor([result.f_beta, result.precision, result.recall, result.threshold])
        )
    f_beta, precision, recall, threshold = world.from_first(scores).tolist()
    return EpochRecord(
        epoch=epoch,
        learning_rate=rate,
        losses=losses,
        f_beta=f_beta,
        precision=precision,
        recall=recall,
        threshold=threshold,
        train_seconds=trained - started,
        validation_seconds=time.perf_counter() - trained,
        photos_per_second=len(task.photos) / (trained - started),
    )


def _learn(
    epoch: int,
    state: TrainingState,
    task: TrainingTask,
    config: TrainingConfig,
    augmentation: AugmentationConfig,
    device: torch.device,
    world: World,
    on_batch: OnBatch | None,
) -> tuple[float, dict[str, float]]:
    """All photos once. Returns the last learning rate and the mean losses."""
    photos, seed = task.photos, task.seed
    order = list(batches(photos.sizes_px, config.batch_size, seed, epoch))
    if len(order) < world.size:
        raise TrainingError(f"{len(order)} batches are too few for {world.size} processes")
    own = order[world.rank :: world.size]
    ready = AugmentedPhotos(photos, augmentation, derive_seed(seed, epoch)).load(
        own, config.workers
    )
    state.model.train()
    n_steps = math.ceil(len(order) / config.gradient_accumulation_steps)
    sums: dict[str, float] = {}  # the names of the losses differ from detector to detector
    for step in range(n_steps):
        rate = config.learning_rate * lr_scale((epoch - 1) * n_steps + step, n_steps, config)
        first, end = (
            step * config.gradient_accumulation_steps,
            min((step + 1) * config.gradient_accumulation_steps, len(order)),
        )
        n_photos = sum(len(indices) for indices in order[first:end])
        shares = (
            Batch(
                next(ready),
                [photos.images[k] for k in order[i]],
                derive_seed(seed, epoch, i),
                len(order[i]) / n_photos,
            )
            for i in range(first + world.rank, end, world.size)
        )
        found = take_step(state, shares, rate, config.clip_norm, device, world)
        for name, value in found.items():
            sums[name] = sums.get(name, 0.0) + value / n_steps
        if on_batch:
            on_batch(epoch, end, len(order))
    world.average_statistics(state.model)
    if state.ema is not None:
        world.average_statistics(state.ema.module)
    means = world.sum(torch.tensor(list(sums.values()), dtype=torch.float64, device=device))
    return rate, dict(zip(sums, means.tolist(), strict=True))


def _out_of_patience(state: TrainingState, config: TrainingConfig) -> bool:
    if config.patience_epochs is None or not state.history:
        return False
    return len(state.history) - state.best().epoch >= config.patience_epochs
