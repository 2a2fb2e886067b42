"""A finished training's checkpoint, made the first one of a training that goes on from it."""

from __future__ import annotations

import shutil
from pathlib import Path

from sparrow.training.checkpoint import (
    BEST,
    CHECKPOINT,
    PREVIOUS_CHECKPOINT,
    CheckpointError,
    find_best,
    read_checkpoint,
    write_checkpoint,
)
from sparrow.training.resume import settings_hash
from sparrow.training.task import TrainingTask


def has_begun(folder: Path) -> bool:
    """Whether a training's folder holds a checkpoint of its own."""
    return any((folder / name).exists() for name in (CHECKPOINT, PREVIOUS_CHECKPOINT))


def epochs_of(folder: Path) -> int:
    """How many epochs a training had that went before the one of this folder."""
    if not has_begun(folder):
        return 0
    name = CHECKPOINT if (folder / CHECKPOINT).exists() else PREVIOUS_CHECKPOINT
    try:
        return int(read_checkpoint(folder / name).get("begun_after", 0))
    except CheckpointError:
        return 0  # the training sets it aside and says so


def take_over(before: Path, folder: Path, task: TrainingTask) -> None:
    """Write the first checkpoint of a training that goes on from another, where it has none yet.

    Args:
        before: folder of the finished training's checkpoint; it is only read.
        folder: of the new one.
        task: of the new one.

    Raises:
        CheckpointError: the checkpoint is damaged, or the weights of its best epoch are lost.
    """
    if has_begun(folder):
        return
    saved = read_checkpoint(before / CHECKPOINT)
    best = find_best(before, saved.get("best_sha256", ""))
    if best is None:
        raise CheckpointError(f"{before}: the weights of its best epoch are missing or damaged")
    shutil.copyfile(best, folder / BEST)
    after = {"begun_after": len(saved["history"]), "settings": settings_hash(task)}
    write_checkpoint(saved | after, folder)
