"""Backgrounds with texture, and the places in them where birds can be.

Everything is painted at twice its size and scaled down; colours are RGB, lengths pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from sparrow.data.synthetic.branches import branches, hedge
from sparrow.data.synthetic.buildings import bricks, roof
from sparrow.data.synthetic.feeder import feeder
from sparrow.data.synthetic.open_ground import gravel, lawn, snow
from sparrow.data.synthetic.places import Place, Rng
from sparrow.data.synthetic.texture import OVERSAMPLING

# Each paints a background and gives its places, in its own pixels, and whether birds cast a shadow.
SCENES: dict[str, Callable[[Image.Image, Rng], tuple[list[Place], bool]]] = {
    "lawn": lawn,
    "hedge": hedge,
    "bricks": bricks,
    "roof": roof,
    "branches": branches,
    "feeder": feeder,
    "gravel": gravel,
    "snow": snow,
}


@dataclass(frozen=True)
class Scene:
    """A background (RGB, the photo's size) and the places birds may take, in random order."""

    kind: str
    image: Image.Image
    places: list[Place]
    casts_shadow: bool


def draw_scene(kind: str, width: int, height: int, rng: Rng) -> Scene:
    """One of ``SCENES`` at the given size."""
    image = Image.new("RGB", (width * OVERSAMPLING, height * OVERSAMPLING))
    places, casts_shadow = SCENES[kind](image, rng)
    order = rng.permutation(len(places))
    placed = [
        Place(p.x / OVERSAMPLING, p.y / OVERSAMPLING, p.nearness, p.air)
        for p in (places[i] for i in order)
    ]
    return Scene(kind, image.reduce(OVERSAMPLING), placed, casts_shadow)
