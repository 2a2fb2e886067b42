"""The names that keys of the sample's config have today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparrow.config import Config, get_key

# Keys of the config that have another name since: any ``_share`` may be a ``_fraction``.
RENAMED = {
    "model.frozen_normalisation": "model.freeze_batch_norm",
    "training.accumulate": "training.gradient_accumulation_steps",
    "training.processes": "training.world_size",
}


def today(key: str) -> str:
    """The name that a key of the sample has in today's config."""
    for name in (key, RENAMED.get(key, key.replace("_share", "_fraction"))):
        try:
            get_key(Config(), name)
        except ValueError:
            continue
        return name
    raise LookupError(f"what is {key} called today? RENAMED has to say so")


def with_names_of_today(values: Mapping[str, Any]) -> dict[str, Any]:
    return {today(key): value for key, value in values.items()}
