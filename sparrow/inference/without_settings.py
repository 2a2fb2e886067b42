"""A model folder without what an earlier release wrote into it of the machine that made it."""

from __future__ import annotations

from pathlib import Path

from sparrow.config import PLACES, TRAINING_SECTIONS
from sparrow.inference.model_folder import ModelInfo, read_info, write_info


def without_settings(info: ModelInfo) -> ModelInfo:
    """The same model, without what an earlier release wrote of its machine into ``config``."""
    kept = {name: value for name, value in info.config.items() if name in TRAINING_SECTIONS}
    if isinstance(kept.get("data"), dict):
        data = {name: value for name, value in kept["data"].items() if name not in PLACES}
        kept = {**kept, "data": data}
    return info.model_copy(update={"config": kept})


def strip_settings(folder: Path) -> None:
    """Take out of a folder what is not of the model: a model made before may hold addresses.

    Its ``model.json`` is another file afterwards; for copies that leave the machine.
    """
    info = read_info(folder)
    if (described := without_settings(info)) != info:
        write_info(folder, described)
