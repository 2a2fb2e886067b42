"""What ``tuning.space`` and ``tuning.conditions`` may say, and which values they hold."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from sparrow.config.trials import (
    applies,
    change_key,
    holds,
    idle_parameters,
    is_parameter,
    on_grid,
    parents_first,
    same,
    samples,
)

if TYPE_CHECKING:
    from sparrow.config import Config
    from sparrow.config.trials import Choices

SECTIONS = ("augmentation", "model", "training")  # what a trial builds its detector from
# Keys of these sections that a trial does not take from its values.
FIXED = {
    "model.min_side_px": "photos are decoded once for all trials",
    "model.max_side_px": "photos are decoded once for all trials",
    "training.epochs": "a trial trains for tuning.epochs",
    "training.threads": "a trial runs on tuning.threads",
    "training.world_size": "a trial is one process",
    "training.workers": "it changes the speed, not the detector",
    "training.device": "it changes the speed, not the detector",
    "training.continue_from": "a trial begins anew",
    "training.choose_by": "scores by different measures cannot be compared",
}
WHOLE = " (a range of whole numbers says integer: true)"


def space_faults(config: Config) -> list[str]:
    """Everything in the space that no trial could use as it is written, a line each.

    Every line names the key, what was found and what was expected. Ranges are tried at their ends
    and once between them, choices one by one, and keys of one section also two by two.
    """
    space = config.tuning.space
    faults: list[str] = []
    for key, choices in space.items():
        wrong = _key_fault(key) or _shape_fault(choices)
        if wrong:
            faults.append(f"tuning.space.{key}: {wrong}")
    faults += _condition_faults(config)
    if faults:
        return faults  # the values of a broken range say nothing
    for key, choices in space.items():
        for value in samples(choices):
            wrong = _value_fault(config, {**config.tuning.conditions.get(key, {}), key: value})
            if wrong:
                hint = "" if isinstance(choices, tuple) or "integer" not in wrong else WHOLE
                faults.append(f"tuning.space.{key}: found {_shown(value)}; {wrong}{hint}")
                break
    return faults or list(_pair_faults(config))


def _key_fault(key: str) -> str | None:
    section, _, name = key.partition(".")
    if key in FIXED:
        return f"cannot be tuned: {FIXED[key]}"
    if section not in SECTIONS or not name:
        return (
            "cannot be tuned: a trial does not depend on it; expected a key of "
            f"{', '.join(SECTIONS)}, such as training.learning_rate"
        )
    return None


def _shape_fault(choices: Choices) -> str | None:
    """What is wrong with a range or a list, whatever key it is for."""
    if isinstance(choices, tuple):
        if not choices:
            return "found an empty list; expected at least one value to choose"
        twice = [a for i, a in enumerate(choices) if any(same(a, b) for b in choices[:i])]
        return f"found {_shown(twice[0])} twice; expected each value once" if twice else None
    low, high, step = choices.low, choices.high, choices.step
    limits = f"found low {low:g} and high {high:g}"
    if low >= high:
        return f"{limits}; expected low below high"
    if choices.log and low <= 0:
        return f"{limits} with log: true; expected low above 0"
    if choices.integer and (low != int(low) or high != int(high)):
        return f"{limits} with integer: true; expected whole numbers"
    if step is None:
        return None
    if choices.log:
        return f"found step {step:g} with log: true; expected one of the two"
    if step <= 0 or step > high - low:
        return f"found step {step:g}; expected more than 0 and at most high - low = {high - low:g}"
    if choices.integer and step != int(step):
        return f"found step {step:g} with integer: true; expected a whole number"
    steps = (high - low) / step
    if not on_grid(steps):
        return (
            f"{limits} with step {step:g}, which misses high; expected a whole number of steps, "
            f"such as high {low + int(steps) * step:g}"
        )
    return None


def _condition_faults(config: Config) -> Iterator[str]:
    for key, wanted in config.tuning.conditions.items():
        for other, value in wanted.items():
            where = f"tuning.conditions.{key}.{other}"
            if not _exists(config, other):
                yield f"{where}: there is no key {other}; expected one of this config"
                continue
            choices = config.tuning.space.get(other)
            if choices is not None and not holds(choices, value):
                yield (
                    f"{where}: found {_shown(value)}, which tuning.space never gives {other}; "
                    f"expected {_possible(choices)}"
                )
                continue
            wrong = _value_fault(config, {other: value})
            if wrong:
                yield f"{where}: found {_shown(value)}; {wrong}"
    try:
        parents_first(config)
    except ValueError as error:
        yield f"tuning.conditions: {error}; expected keys that depend on others one way"


def _pair_faults(config: Config) -> Iterator[str]:
    """Two tuned values of one section that no detector can have together."""
    for first, second in itertools.combinations(config.tuning.space, 2):
        if first.split(".")[0] != second.split(".")[0]:
            continue
        sampled = (samples(config.tuning.space[key]) for key in (first, second))
        for pair in itertools.product(*sampled):
            values = dict(zip((first, second), pair, strict=True))
            if not all(applies(config, key, values) for key in values):
                continue
            wrong = _value_fault(config, values)
            if wrong:
                shown = " with ".join(f"{key} = {_shown(value)}" for key, value in values.items())
                yield f"tuning.space: found {shown}; {wrong}; a condition can keep them apart"
                break


def _value_fault(config: Config, values: Mapping[str, Any]) -> str | None:
    """Why the sections refuse these values together with the config's own; None if they do not."""
    idle = idle_parameters(config, values)
    for section in dict.fromkeys(key.rpartition(".")[0].partition(".")[0] for key in values):
        model = getattr(config, section) if section else config
        tree = model.model_dump(mode="json")
        for key in idle:
            if key.startswith(f"{section}."):
                change_key(tree, key.removeprefix(f"{section}."))
        for key, value in values.items():
            if key.rpartition(".")[0].partition(".")[0] == section:
                change_key(tree, key.removeprefix(f"{section}."), value)
        try:
            type(model).model_validate_json(json.dumps(tree))
        except ValidationError as error:
            return f"expected: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
    return None


def _exists(config: Config, key: str) -> bool:
    section: Any = config
    if is_parameter(key):
        return True  # which of them a class has is checked when a run starts
    for name in key.split("."):
        if not isinstance(section, BaseModel) or name not in type(section).model_fields:
            return False
        section = getattr(section, name)
    return not isinstance(section, BaseModel)


def _possible(choices: Choices) -> str:
    if isinstance(choices, tuple):
        return "one of " + ", ".join(map(_shown, choices))
    grid = f" in steps of {choices.step or 1:g}" if choices.step or choices.integer else ""
    return f"a number from {choices.low:g} to {choices.high:g}{grid}"


def _shown(value: Any) -> str:
    return json.dumps(value)
