"""The names that keys of the sample's config have today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Written down once more, so that a slip in the product's own table is noticed.
RENAMED = {
    "data.doubt_score": "data.label_error_score",
    "data.huge_box_share": "data.huge_box_fraction",
    "split.test_share": "split.test_fraction",
    "split.validation_share": "split.validation_fraction",
    "model.frozen_normalisation": "model.freeze_batch_norm",
    "training.accumulate": "training.gradient_accumulation_steps",
    "training.processes": "training.world_size",
    "training.warmup_share": "training.warmup_fraction",
    "service.keep_share": "service.keep_fraction",
}


def today(key: str) -> str:
    """The name that a key of the sample has in today's config."""
    return RENAMED.get(key, key)


def with_names_of_today(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by the key that they have in the sample, under today's keys."""
    return {today(key): value for key, value in values.items()}
