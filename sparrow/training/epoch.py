"""One epoch: every training photo once, then the score of the validation photos."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import torch

from sparrow.detectors.roi_pool import quick_pooling
from sparrow.evaluation.validation import ThresholdScore
from sparrow.training.augmented_dataset import AugmentedPhotos, derive_seed
from sparrow.training.checkpoint import EpochRecord, TrainingState
from sparrow.training.dataset import batches
from sparrow.training.distributed import World
from sparrow.training.optimizer_step import Batch, make_optimizer_step
from sparrow.training.prediction import predict_set
from sparrow.training.schedule import lr_scale
from sparrow.training.task import TrainingError, TrainingTask

OnBatch = Callable[[int, int, int], None]


class EpochBatches:
    """The batches of one epoch in their order, grouped by optimizer step.

    Of each step's batches this process augments and yields only its own: every ``world.size``-th.
    """

    def __init__(self, task: TrainingTask, epoch: int, world: World) -> None:
        """The order follows from the task's seed and ``epoch`` (from 1).

        Raises:
            TrainingError: there are fewer batches than processes.
        """
        photos, training = task.photos, task.training
        self._task, self._epoch, self._world = task, epoch, world
        self._order = list(batches(photos.sizes_px, training.batch_size, task.seed, epoch))
        if len(self._order) < world.size:
            raise TrainingError(
                f"{len(self._order)} batches are too few for {world.size} processes"
            )
        own = self._order[world.rank :: world.size]
        augmented = AugmentedPhotos(photos, task.augmentation, derive_seed(task.seed, epoch))
        self._loaded = augmented.load(own, training.workers)
        self.n_steps = math.ceil(len(self) / training.gradient_accumulation_steps)

    def __len__(self) -> int:
        """How many batches the epoch has, in all processes together."""
        return len(self._order)

    def end_of(self, optimizer_step: int) -> int:
        """How many of the batches are done after this optimizer step (from 0)."""
        accumulated = self._task.training.gradient_accumulation_steps
        return min((optimizer_step + 1) * accumulated, len(self))

    def of(self, optimizer_step: int) -> Iterator[Batch]:
        """This process's batches of an optimizer step (from 0); steps are asked for in order."""
        first = optimizer_step * self._task.training.gradient_accumulation_steps
        end = self.end_of(optimizer_step)
        n_photos = sum(len(indices) for indices in self._order[first:end])
        for i in range(first + self._world.rank, end, self._world.size):
            yield Batch(
                next(self._loaded),
                [self._task.photos.images[k] for k in self._order[i]],
                derive_seed(self._task.seed, self._epoch, i),
                len(self._order[i]) / n_photos,
            )


def count_steps(task: TrainingTask) -> int:
    """Steps of the optimizer in an epoch, the same in all of them."""
    n_batches = len(list(batches(task.photos.sizes_px, task.training.batch_size, task.seed, 1)))
    return math.ceil(n_batches / task.training.gradient_accumulation_steps)


def run_epoch(
    state: TrainingState, task: TrainingTask, world: World, on_batch: OnBatch | None = None
) -> EpochRecord:
    """Train for one epoch and validate; the caller adds the record to ``state.history``.

    Raises:
        LossNotFiniteError: in every process, whichever of them met it.
        TrainingError: there are fewer batches than processes.
    """
    started = time.perf_counter()
    with quick_pooling(state.model, world.device):
        rate, losses = _learn(state, task, world, on_batch)
    trained = time.perf_counter()
    score = _validate(state, task, world)
    record = EpochRecord(
        epoch=len(state.history) + 1,
        learning_rate=rate,
        losses=losses,
        f_beta=score.f_beta,
        precision=score.precision,
        recall=score.recall,
        threshold=score.threshold,
        train_seconds=trained - started,
        validation_seconds=time.perf_counter() - trained,
        photos_per_second=len(task.photos) / (trained - started),
        ap=score.ap,
        chosen_by=task.training.choose_by,
    )
    if state.schedule is not None:
        state.schedule.after_epoch(record.loss, record.score)
    return record


def _learn(
    state: TrainingState, task: TrainingTask, world: World, on_batch: OnBatch | None
) -> tuple[float, dict[str, float]]:
    """All photos once. Returns the last learning rate and the mean losses."""
    epoch, training = len(state.history) + 1, task.training
    order = EpochBatches(task, epoch, world)
    state.model.train()
    sums: dict[str, float] = {}  # the names of the losses differ from detector to detector
    for i in range(order.n_steps):
        steps_before = (epoch - 1) * order.n_steps + i
        rate = None
        if state.schedule is None:
            rate = training.learning_rate * lr_scale(steps_before, order.n_steps, training)
        losses = make_optimizer_step(state, order.of(i), rate, training.clip_norm, world)
        used = float(state.optimizer.param_groups[0]["lr"])
        if state.schedule is not None:
            state.schedule.after_step()
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + value / order.n_steps
        if on_batch:
            on_batch(epoch, order.end_of(i), len(order))
    world.average_statistics(state.model)
    if state.ema is not None:
        world.average_statistics(state.ema.module)
    own = torch.tensor(list(sums.values()), dtype=torch.float64, device=world.device)
    return used, dict(zip(sums, world.sum(own).tolist(), strict=True))


def _validate(state: TrainingState, task: TrainingTask, world: World) -> ThresholdScore:
    """The score of the validation photos, computed by the first process and given to all."""
    values = torch.zeros(5, dtype=torch.float64, device=world.device)
    if world.rank == 0:
        scored = state.scored_model()
        with quick_pooling(scored, world.device):
            detections = predict_set(scored, task.validation, task.min_score, world.device)
        score = task.score(detections)
        values.copy_(torch.tensor(score))
    return ThresholdScore(*world.from_first(values).tolist())
