"""Drawn large photos with small birds, alone and in close pairs, and some large ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparrow.data.synthetic.birds import POSES, draw_bird
from sparrow.data.synthetic.brush import Sprite
from sparrow.data.synthetic.camera import photographed
from sparrow.data.synthetic.placed_sprites import (
    PlacedSprite,
    extent,
    owners_of,
    paste,
    place_sprite,
)
from sparrow.data.synthetic.places import Place
from sparrow.data.synthetic.plumage import SPECIES
from sparrow.data.synthetic.scenery import SCENES, draw_scene
from sparrow.data.synthetic.settings import SPARROW

SMALL_PX = (20.0, 40.0)  # rough lengths
LARGE = (0.1, 0.3)  # of the photo's width
MOST_SMALL, MOST_PAIRS = 30, 6
KINDS = tuple(kind for kind in SCENES if kind != "feeder")  # which is of one size


@dataclass(frozen=True, eq=False)
class SmallObjectPhoto:
    """A photo and what is in it.

    Attributes:
        pixels: uint8 [height, width, 3].
        boxes_xyxy: [N, 4] of all sparrows.
        pairs: numbers of two boxes that touch, nearly touch or overlap a little.
    """

    pixels: NDArray[np.uint8]
    boxes_xyxy: NDArray[np.float64]
    pairs: list[tuple[int, int]]


def draw_small_objects(seed: int, index: int, width_px: int = 4000) -> SmallObjectPhoto:
    """Photo number ``index`` of a seed, 4 to 3: 0 to 30 small sparrows, no or one large one."""
    rng = np.random.default_rng([seed, index])
    size_px = width_px, width_px * 3 // 4
    scene = draw_scene(KINDS[index % len(KINDS)], *size_px, rng)
    small = int(rng.integers(0, MOST_SMALL + 1))
    pairs, large = min(MOST_PAIRS, small // 4), int(rng.integers(0, 2))
    sprites = _pairs(rng, pairs, size_px)
    large_px = LARGE[0] * width_px, LARGE[1] * width_px
    for sizes in [large_px] * large + [SMALL_PX] * (small - 2 * pairs):
        sprite = _bird(rng, sizes)
        place = _free(rng, sprites, max(sprite.rgba.shape), size_px)
        sprites.append(place_sprite(sprite, place, SPARROW))
    canvas = np.asarray(scene.image).astype(np.float32)
    for placed in sprites:
        paste(canvas, placed)
    owners = owners_of(sprites, (size_px[1], size_px[0]))
    boxes = [_box(owners, number, placed) for number, placed in enumerate(sprites)]
    return SmallObjectPhoto(
        photographed(canvas, "summer", rng),
        np.array(boxes, dtype=np.float64).reshape(-1, 4),
        [(2 * pair, 2 * pair + 1) for pair in range(pairs)],
    )


def _pairs(rng: np.random.Generator, pairs: int, size_px: tuple[int, int]) -> list[PlacedSprite]:
    """Two and two, side by side: with a gap of up to a tenth of one, or a little overlap."""
    sprites: list[PlacedSprite] = []
    for _ in range(pairs):
        left, right = _bird(rng, SMALL_PX), _bird(rng, SMALL_PX)
        place = _free(rng, sprites, 120, size_px)
        first, second = (place_sprite(bird, place, SPARROW) for bird in (left, right))
        width = left.rgba.shape[1]
        gap = float(rng.uniform(-0.15, 0.1)) * min(width, right.rgba.shape[1])
        moved = first.left + width + round(gap)
        sprites += [first, PlacedSprite(right, moved, second.top, SPARROW)]
    return sprites


def _bird(rng: np.random.Generator, sizes_px: tuple[float, float]) -> Sprite:
    plumages = SPECIES[SPARROW]
    plumage = plumages[int(rng.integers(len(plumages)))]
    length = float(np.exp(rng.uniform(*np.log(sizes_px))))
    return draw_bird(plumage, POSES[int(rng.integers(len(POSES)))], length, rng)


def _free(
    rng: np.random.Generator,
    sprites: Sequence[PlacedSprite],
    size: float,
    size_px: tuple[int, int],
) -> Place:
    """A place inside the photo, so far from all others that nothing hides anything."""
    width, height = size_px
    while True:
        x, y = rng.uniform((0, 0), (width, height))
        if min(x, y, width - x, height - y) > size and all(
            _apart((x, y), placed, size) for placed in sprites
        ):
            return Place(float(x), float(y))


def _apart(spot: tuple[float, float], placed: PlacedSprite, size: float) -> bool:
    rows, columns = placed.sprite.rgba.shape[:2]
    middle = placed.left + columns / 2, placed.top + rows / 2
    away = [abs(own - other) for own, other in zip(spot, middle, strict=True)]
    return max(away) > 0.7 * (size + max(rows, columns)) + 20


def _box(owners: NDArray[np.int16], number: int, placed: PlacedSprite) -> tuple[int, ...]:
    """Tight around what is seen of a sprite that lies inside."""
    rows, columns = placed.sprite.rgba.shape[:2]
    seen = owners[placed.top : placed.top + rows, placed.left : placed.left + columns] == number
    x1, y1, x2, y2 = extent(seen)
    return x1 + placed.left, y1 + placed.top, x2 + placed.left, y2 + placed.top
