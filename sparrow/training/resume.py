"""Where a training starts: at its beginning, or from a whole checkpoint of its own."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from sparrow.config import Section
from sparrow.training.checkpoint import (
    CHECKPOINT,
    PREVIOUS_CHECKPOINT,
    CheckpointError,
    TrainingState,
)
from sparrow.training.distributed import World
from sparrow.training.sealed_file import set_aside
from sparrow.training.task import TrainingTask

# Which machine trains, and in how many processes, changes nothing of what is learned.
MACHINE_KEYS = {"threads", "workers", "world_size", "device"}
# Keys of later releases: at their defaults, a training is the one that it was without them.
LATER_KEYS = {
    "optimizer_parameters", "schedule_parameters", "choose_by", "continue_from",
    "blur_kernels_px", "box_blur", "box_blur_kernels_px",
}  # fmt: skip


def settings_hash(task: TrainingTask) -> str:
    """SHA-256 of all that a training depends on, besides its network's tensors."""
    values = {
        "training": _values(task.training),
        "augmentation": _values(task.augmentation),
        "seed": task.seed,
        "model": task.model_settings,
    }
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for photos in (task.photos, task.validation):
        digest.update(json.dumps(photos.images).encode())
        for array in (photos.sizes_px, *photos.boxes_xyxy, *photos.labels):
            digest.update(repr(array.shape).encode() + array.tobytes())
    return digest.hexdigest()


def _values(section: Section) -> dict[str, Any]:
    values = section.model_dump(mode="json", exclude=MACHINE_KEYS)
    defaults = type(section)().model_dump(mode="json")
    later = {key for key in LATER_KEYS & values.keys() if values[key] == defaults[key]}
    return {key: value for key, value in values.items() if key not in later}


def resume(state: TrainingState, folder: Path, world: World) -> tuple[str, ...]:
    """Restore the newest checkpoint of ``folder`` that can be used; none leaves ``state`` as it is.

    The first process chooses and sets aside what is of no use; the others take what it chose.

    Returns:
        A sentence for each file that was set aside.

    Raises:
        CheckpointError: this process sees another checkpoint than the first one.
    """
    notes = _choose(state, folder) if world.rank == 0 else ()
    epochs = torch.tensor([float(len(state.history))], dtype=torch.float64, device=world.device)
    chosen = int(world.from_first(epochs).item())
    if world.rank > 0 and chosen:
        state.restore(folder / CHECKPOINT)
        if len(state.history) != chosen:
            raise CheckpointError(
                f"{folder / CHECKPOINT}: {len(state.history)} epochs here, {chosen} in the first "
                "process; all processes of a training must see the same folder"
            )
    return notes


def _choose(state: TrainingState, folder: Path) -> tuple[str, ...]:
    notes = []
    for name in (CHECKPOINT, PREVIOUS_CHECKPOINT):
        path = folder / name
        if not path.exists():
            continue
        try:
            of_weights = state.restore(path)
        except CheckpointError as error:
            aside = set_aside(path)
            notes.append(f"{path}: {error}. It is set aside as {aside.name}.")
            continue
        path.replace(folder / CHECKPOINT)
        if notes:
            notes.append(f"Training goes on after epoch {len(state.history)}, from {name}.")
        return (*notes, *of_weights)
    if notes:
        notes.append("Training begins anew.")
    return tuple(notes)
