"""The spots in a scene where birds can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Rng = np.random.Generator


@dataclass(frozen=True)
class Place:
    """A spot for a bird: where its feet go, how near it is, and whether it hangs in the air."""

    x: float
    y: float
    nearness: float = 1.0
    air: bool = False


def on_ground(width: int, height: int, horizon: float, rng: Rng) -> list[Place]:
    """Sixty places below ``horizon`` (a fraction of the height); lower ones are nearer."""
    spots = rng.uniform((0.03, max(horizon, 0.22)), (0.97, 0.98), (60, 2))
    return [Place(x * width, y * height, 0.72 + 0.5 * y) for x, y in spots.tolist()]


def along(
    left: float, right: float, level: Callable[[float], float], n: int, rng: Rng
) -> list[Place]:
    """``n`` places from ``left`` to ``right``; ``level`` gives the y of each x."""
    return [Place(x, level(x)) for x in rng.uniform(left, right, n).tolist()]
