"""Keys that were renamed: refused where a person writes them, translated where they were stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Old path -> new path. Files of a person get an error with the new name; models, studies and
# settings that an earlier release stored are read under it.
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
    "monitoring.error_share": "monitoring.error_fraction",
    "monitoring.looks": "monitoring.windows",
}


def renamed_key(key: str) -> str | None:
    """Today's name of a dotted key that was renamed; None for any other."""
    return RENAMED.get(key)


def translate_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Stored values by dotted key, ``{"training.accumulate": 2}``, under today's keys."""
    return {RENAMED.get(key, key): value for key, value in values.items()}


def translate_config(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A stored config (sections, their keys, their values) under today's keys.

    The keys that ``tuning.space`` and ``tuning.conditions`` name are translated too.
    """
    translated: dict[str, Any] = {}
    for section, values in tree.items():
        if not isinstance(values, Mapping):
            translated[section] = values
            continue
        translated[section] = {
            RENAMED.get(f"{section}.{key}", f"{section}.{key}").partition(".")[2]: value
            for key, value in values.items()
        }
    tuning = translated.get("tuning")
    if isinstance(tuning, dict):
        if isinstance(tuning.get("space"), Mapping):
            tuning["space"] = translate_values(tuning["space"])
        if isinstance(tuning.get("conditions"), Mapping):
            tuning["conditions"] = {
                key: translate_values(wanted)
                for key, wanted in translate_values(tuning["conditions"]).items()
            }
    return translated
