"""What a trial of ``tuning.space`` may have, and what it trains with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from sparrow.config import Config, NumberRange

    Choices: TypeAlias = NumberRange | tuple[Any, ...]

GRID_TOLERANCE = 1e-6  # of a step
PARAMETERS = "_parameters"  # how keys end whose values are the parameters of a named class
MOST_COMBINATIONS = 512  # of values that conditions name


def is_parameter(key: str) -> bool:
    """Whether a dotted key is one parameter of a named class."""
    parts = key.split(".")
    return len(parts) == 3 and parts[1].endswith(PARAMETERS)


def own_value(config: Config, key: str) -> Any:
    """The config's value at a dotted path; None for a parameter that is not given."""
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name)
    return value


def idle_parameters(config: Config, values: Mapping[str, Any]) -> list[str]:
    """Parameters of classes that are tuned under a condition which these values do not meet.

    A trial does without them, whatever the config's own value is: the momentum of one optimizer is
    no parameter of another.
    """
    return [
        key
        for key in config.tuning.space
        if is_parameter(key) and key not in values and not applies(config, key, values)
    ]


def change_key(tree: dict[str, Any], key: str, *value: Any) -> None:
    """Set a dotted key in nested mappings; without a value, remove it."""
    *sections, last = key.split(".")
    for section in sections:
        child = tree.setdefault(section, {})
        if not isinstance(child, dict):
            child = tree[section] = {}
        tree = child
    if value:
        tree[last] = value[0]
    else:
        tree.pop(last, None)


def possible_values(config: Config) -> Iterator[dict[str, Any]]:
    """Values of trials, such that every choice and both ends of every range are among them.

    Keys that conditions name are combined with each other, where that makes no more than
    ``MOST_COMBINATIONS``; all other keys run through their values side by side.
    """
    space = config.tuning.space
    named = {other for wanted in config.tuning.conditions.values() for other in wanted}
    parents = [key for key in space if key in named]
    own = [samples(space[key]) for key in parents]
    if math.prod(map(len, own)) > MOST_COMBINATIONS:
        parents, own = [], []
    ordered = parents_first(config)
    rounds = max((len(samples(space[key])) for key in space), default=1)
    for combination in itertools.product(*own):
        chosen = dict(zip(parents, combination, strict=True))
        for number in range(rounds):
            values: dict[str, Any] = {}
            for key in ordered:
                if applies(config, key, values):
                    choices = samples(space[key])
                    values[key] = chosen.get(key, choices[number % len(choices)])
            yield values


def applies(config: Config, key: str, values: Mapping[str, Any]) -> bool:
    """Whether a key's conditions hold where ``values`` replace some of the config's own."""
    wanted = config.tuning.conditions.get(key, {})
    return all(
        same(values[other] if other in values else own_value(config, other), value)
        for other, value in wanted.items()
    )


def parents_first(config: Config) -> list[str]:
    """The keys of the space, each after those that its conditions name; else as they are written.

    Raises:
        ValueError: conditions that name each other in a circle.
    """
    conditions, ordered = config.tuning.conditions, list[str]()

    def add(key: str, below: tuple[str, ...]) -> None:
        if key in below:
            raise ValueError(f"the conditions of {key} name each other in a circle")
        for parent in conditions.get(key, {}):
            add(parent, (*below, key))
        if key in config.tuning.space and key not in ordered:
            ordered.append(key)

    for key in (*config.tuning.space, *conditions):
        add(key, ())
    return ordered


def holds(choices: Choices, value: Any) -> bool:
    """Whether a value is one that the range or the choices can give."""
    if isinstance(choices, tuple):
        return any(same(choice, value) for choice in choices)
    if not _is_number(value) or not choices.low <= value <= choices.high:
        return False
    step = choices.step or (1 if choices.integer else None)
    return step is None or on_grid((value - choices.low) / step)


def samples(choices: Choices) -> list[Any]:
    """Values as a trial gets them: all choices, or both ends of a range and one between."""
    if isinstance(choices, tuple):
        return list(choices)
    if choices.integer:
        return [int(choices.low), int(choices.high)]
    between = choices.step or (choices.high - choices.low) * 0.3819
    return [float(choices.low), choices.low + between, float(choices.high)]


def on_grid(steps: float) -> bool:
    return abs(steps - round(steps)) <= GRID_TOLERANCE


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def same(value: Any, other: Any) -> bool:
    """Equal, and not just because Python takes true for 1."""
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)
