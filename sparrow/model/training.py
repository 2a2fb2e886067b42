"""The only training loop: one detector, one set of photos, the best epoch kept.

Everything random in an epoch follows from (seed, epoch), so a run that was killed goes on from its
last finished epoch and ends with the same numbers, to the bit, as one that was not (on CPU).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from sparrow.config import AugmentationConfig, TrainingConfig
from sparrow.detections import Detections
from sparrow.model.checkpoint import EpochRecord, TrainingState, save_weights
from sparrow.model.dataset import DetectionSet, batches
from sparrow.model.optimization import make_ema, make_optimizer, rate_factor
from sparrow.model.prediction import predict_set, to_float
from sparrow.model.transforms import augment, make_augmentation


class TrainingError(RuntimeError):
    """Training cannot go on; the message names the batch that broke it."""


class ValidationScore(Protocol):
    """What the detector reaches on validation photos at its best threshold, each in 0..1."""

    @property
    def f_beta(self) -> float: ...
    @property
    def precision(self) -> float: ...
    @property
    def recall(self) -> float: ...
    @property
    def threshold(self) -> float: ...


Score = Callable[[Mapping[str, Detections]], ValidationScore]


OnBatch = Callable[[int, int, int], None]


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a detector learns from and how it is judged.

    Attributes:
        photos: what it learns from.
        validation: what the best epoch and the threshold are chosen on.
        score: validation detections (above ``min_score``) -> score.
        min_score: 0..1, detections below it are dropped before scoring.
        seed: decides order and augmentation.
    """

    photos: DetectionSet
    validation: DetectionSet
    score: Score
    min_score: float
    seed: int


OnEpoch = Callable[[tuple[EpochRecord, ...]], None]


@dataclass(frozen=True)
class TrainingResult:
    """All epochs, the best of them, and where its weights lie."""

    history: tuple[EpochRecord, ...]
    best: EpochRecord
    weights_path: Path | None


def train(
    model: nn.Module,
    lesson: Lesson,
    config: TrainingConfig,
    augmentation: AugmentationConfig,
    *,
    folder: Path | None = None,
    on_epoch: OnEpoch | None = None,
    on_batch: OnBatch | None = None,
) -> TrainingResult:
    """Train ``model`` in place.

    Args:
        model: a torchvision detector.
        lesson: photos, score and seed.
        config: the training section.
        augmentation: the augmentation section.
        folder: where ``checkpoint.pt`` and ``best.safetensors`` go; a checkpoint found there is
            continued. None keeps nothing (tuning).
        on_epoch: called with the history after every epoch; may raise to stop (pruning).
        on_batch: called with (epoch, batch, batches in the epoch).

    Raises:
        TrainingError: the loss is not finite, or there is nothing to learn from.
    """
    if len(lesson.photos) == 0:
        raise TrainingError("there is no training photo; the split left none")
    device = choose_device(config.device)
    torch.set_num_threads(config.threads)
    # Channels last: measured 1.5 times the steps per second on two cores.
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    state = TrainingState(model, make_ema(model, config), make_optimizer(model, config), [])
    checkpoint = folder / "checkpoint.pt" if folder else None
    if checkpoint and checkpoint.exists():
        state.restore(checkpoint)
    while len(state.history) < config.epochs and not _out_of_patience(state, config):
        epoch = len(state.history) + 1
        record = _one_epoch(epoch, state, lesson, config, augmentation, device, on_batch)
        state.history.append(record)
        if folder and checkpoint:
            if state.best() is record:
                save_weights(state.scored_model(), folder / "best.safetensors")
            state.save(checkpoint)
        if on_epoch:
            on_epoch(tuple(state.history))
    weights = folder / "best.safetensors" if folder else None
    return TrainingResult(tuple(state.history), state.best(), weights)


def choose_device(name: str) -> torch.device:
    """``auto`` takes the GPU where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _one_epoch(
    epoch: int,
    state: TrainingState,
    lesson: Lesson,
    config: TrainingConfig,
    augmentation: AugmentationConfig,
    device: torch.device,
    on_batch: OnBatch | None,
) -> EpochRecord:
    photos, seed = lesson.photos, lesson.seed
    started = time.perf_counter()
    torch.manual_seed(_mix(seed, epoch))  # RoI sampling draws from the global generator
    state.model.train()
    transform = make_augmentation(augmentation)
    order = list(batches(photos.sizes_px, config.batch_size, seed, epoch))
    sums: dict[str, float] = {}  # their names differ from detector to detector
    rate = 0.0
    for i, indices in enumerate(order):
        rate = config.learning_rate * rate_factor((epoch - 1) * len(order) + i, len(order), config)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        batch = [augment(*photos.sample(k), transform, _mix(seed, epoch, int(k))) for k in indices]
        names = [photos.images[k] for k in indices]
        for name, value in _step(state, batch, names, config, device).items():
            sums[name] = sums.get(name, 0.0) + value
        if on_batch:
            on_batch(epoch, i + 1, len(order))
    trained = time.perf_counter()
    found = predict_set(state.scored_model(), lesson.validation, lesson.min_score, device)
    result = lesson.score(found)
    return EpochRecord(
        epoch=epoch,
        learning_rate=rate,
        losses={name: value / len(order) for name, value in sums.items()},
        f_beta=result.f_beta,
        precision=result.precision,
        recall=result.recall,
        threshold=result.threshold,
        train_seconds=trained - started,
        validation_seconds=time.perf_counter() - trained,
        photos_per_second=len(photos) / (trained - started),
    )


def _step(
    state: TrainingState,
    batch: Iterable[tuple[Tensor, Tensor, Tensor]],
    names: list[str],
    config: TrainingConfig,
    device: torch.device,
) -> dict[str, float]:
    images, targets = [], []
    for image, boxes, labels in batch:
        images.append(to_float(image).to(device))
        targets.append({"boxes": boxes.to(device), "labels": labels.to(device)})
    with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
        losses: dict[str, Tensor] = state.model(images, targets)
    total = torch.stack(list(losses.values())).sum()
    if not torch.isfinite(total):
        found = ", ".join(f"{name} {value.item():.3g}" for name, value in losses.items())
        boxes_found = sum(len(target["boxes"]) for target in targets)
        raise TrainingError(
            f"the loss is not finite ({found}) on the batch of {', '.join(names)} with "
            f"{boxes_found} boxes; try a smaller training.learning_rate. The last finished epoch "
            "is kept."
        )
    state.optimizer.zero_grad(set_to_none=True)
    total.backward()
    nn.utils.clip_grad_norm_(state.model.parameters(), config.clip_norm)
    state.optimizer.step()
    if state.ema is not None:
        state.ema.update_parameters(state.model)
    return {name: value.item() for name, value in losses.items()}


def _out_of_patience(state: TrainingState, config: TrainingConfig) -> bool:
    if config.patience_epochs is None or not state.history:
        return False
    return len(state.history) - state.best().epoch >= config.patience_epochs


def _mix(*numbers: int) -> int:
    """One seed out of several numbers, different for different ones."""
    mixed = 0
    for number in numbers:
        mixed = (mixed * 1_000_003 + number + 1) % (2**63)
    return mixed
