"""The scene of a bird feeder: a table under a small roof, on a post, with seed on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sparrow.data.synthetic.clutter import rgb
from sparrow.data.synthetic.places import Place, Rng, along
from sparrow.data.synthetic.texture import blur, fill, roughen


@dataclass(frozen=True)
class _Table:
    """The feeder in pixels: its middle (x), half its width, its top and its floor (y)."""

    middle: float
    top: float
    half: float
    floor: float
    wood: NDArray[np.integer]  # RGB

    @classmethod
    def of(cls, width: int, height: int, rng: Rng) -> _Table:
        middle, top = width * float(rng.uniform(0.35, 0.65)), height * float(rng.uniform(0.16, 0.3))
        half, floor = width * float(rng.uniform(0.3, 0.42)), height * float(rng.uniform(0.66, 0.82))
        wood = np.array([(150, 108, 66), (112, 82, 58), (168, 138, 100)][rng.integers(3)])
        return cls(middle, top, half, floor, wood)


def feeder(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    """Paint it; its places, and that birds cast no shadow there."""
    fill(image, (128, 158, 106), (70, 104, 58), rng, 34)
    blur(image, 12)
    width, height = image.size
    table = _Table.of(width, height, rng)
    pen = ImageDraw.Draw(image)
    _paint_wood(pen, table, height)
    _paint_seed(pen, table, rng)
    roughen(image, rng, 8)
    places = _places(table, height, rng)
    air = rng.uniform((0.08, 0.3), (0.92, 0.75), (5, 2)) * (width, height)
    return places + [Place(x, y, 1.0, air=True) for x, y in air.tolist()], False


def _paint_wood(pen: ImageDraw.ImageDraw, table: _Table, height: int) -> None:
    middle, top, half, floor, wood = table.middle, table.top, table.half, table.floor, table.wood
    pen.rectangle((middle - 12, floor, middle + 12, height), fill=rgb(wood * 0.62))
    for x in (middle - half * 0.8, middle + half * 0.8):
        pen.rectangle((x - 7, top, x + 7, floor), fill=rgb(wood * 0.8))
    peak = [
        (middle, top - height * 0.16),
        (middle + half * 1.12, top + 16),
        (middle - half * 1.12, top + 16),
    ]
    pen.polygon(peak, fill=rgb(wood * 0.92))
    pen.line([peak[2], peak[1]], fill=rgb(wood * 0.55), width=8)
    pen.rectangle((middle - half, floor - 10, middle + half, floor + 24), fill=rgb(wood))
    pen.line((middle - half, floor + 24, middle + half, floor + 24), fill=rgb(wood * 0.5), width=5)


def _paint_seed(pen: ImageDraw.ImageDraw, table: _Table, rng: Rng) -> None:
    left, right = table.middle - table.half, table.middle + table.half
    for x in rng.uniform(left, right, 150).tolist():
        y = table.floor - 10 - float(rng.uniform(0, 9))
        colour = np.array([196, 164, 104]) * rng.uniform(0.6, 1.15)
        pen.ellipse((x - 4, y - 3, x + 4, y + 3), fill=rgb(colour))


def _places(table: _Table, height: int, rng: Rng) -> list[Place]:
    """On the floor, and on the slope of the roof."""
    middle, top, half, floor = table.middle, table.top, table.half, table.floor
    slope = height * 0.16 / (half * 1.12)

    def roof(x: float) -> float:
        return top - height * 0.15 + abs(x - middle) * slope

    places = along(middle - half * 0.9, middle + half * 0.9, lambda x: floor + 2, 30, rng)
    return places + along(middle - half, middle + half, roof, 8, rng)
