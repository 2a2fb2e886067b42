"""Sprites placed in a photo: which of them is seen where, and how they get onto the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparrow.data.synthetic.brush import Sprite
from sparrow.data.synthetic.places import Place

_MIN_VISIBLE = 0.5  # a bird hidden more than this is left out rather than left unlabelled
_MIN_BOX_PX = 30


@dataclass(frozen=True)
class PlacedSprite:
    """A sprite in the picture, its left top corner in photo pixels; ``label`` "" for no box."""

    sprite: Sprite
    left: int
    top: int
    label: str = ""
    foreground: bool = False

    @property
    def base(self) -> float:
        """y of its foot: what is further down in the photo is nearer."""
        return self.top + self.sprite.foot[1]


def place_sprite(sprite: Sprite, place: Place, label: str) -> PlacedSprite:
    """A sprite with its foot at a place."""
    left, top = round(place.x - sprite.foot[0]), round(place.y - sprite.foot[1])
    return PlacedSprite(sprite, left, top, label)


def keep_visible(sprites: list[PlacedSprite], shape: tuple[int, int]) -> list[PlacedSprite]:
    """Without the labelled birds that others or the frame hide too much, one after the other."""
    while True:
        hidden = first_hidden(sprites, shape)
        if hidden is None:
            return sprites
        sprites = [placed for number, placed in enumerate(sprites) if number != hidden]


def first_hidden(sprites: list[PlacedSprite], shape: tuple[int, int]) -> int | None:
    """Number of the first labelled sprite that is too hidden or too small for a box."""
    owners = owners_of(sprites, shape)
    for number, placed in enumerate(sprites):
        if not placed.label:
            continue
        seen = owners == number
        whole = np.count_nonzero(_mask(placed))
        if np.count_nonzero(seen) < _MIN_VISIBLE * whole:
            return number
        left, top, right, bottom = extent(seen)
        if max(right - left, bottom - top) < _MIN_BOX_PX:
            return number
    return None


def _mask(placed: PlacedSprite) -> NDArray[np.bool_]:
    return placed.sprite.rgba[..., 3] >= 128


def _overlap(
    placed: PlacedSprite, shape: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the photo a sprite covers, and the part of the sprite inside the photo."""
    rows, columns = placed.sprite.rgba.shape[:2]
    top, left = max(placed.top, 0), max(placed.left, 0)
    bottom = max(min(placed.top + rows, shape[0]), top)
    right = max(min(placed.left + columns, shape[1]), left)
    inner = (
        slice(top - placed.top, bottom - placed.top),
        slice(left - placed.left, right - placed.left),
    )
    return (slice(top, bottom), slice(left, right)), inner


def owners_of(sprites: Sequence[PlacedSprite], shape: tuple[int, int]) -> NDArray[np.int16]:
    """[height, width]: number of the sprite seen at each pixel, -1 for the background."""
    owners = np.full(shape, -1, dtype=np.int16)
    for number, placed in enumerate(sprites):
        outer, inner = _overlap(placed, shape)
        owners[outer][_mask(placed)[inner]] = number
    return owners


def extent(seen: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Tight x_min, y_min, x_max, y_max (right and bottom exclusive) of the true pixels."""
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def paste(canvas: NDArray[np.float32], placed: PlacedSprite) -> None:
    """Blend a sprite into the canvas [height, width, 3], in place."""
    outer, inner = _overlap(placed, canvas.shape[:2])
    layer = placed.sprite.rgba[inner].astype(np.float32)
    alpha = layer[..., 3:] / 255
    canvas[outer] += alpha * (layer[..., :3] - canvas[outer])


def shade_ground(canvas: NDArray[np.float32], placed: PlacedSprite) -> None:
    """A soft shadow below the feet."""
    x, y = placed.left + placed.sprite.foot[0], placed.top + placed.sprite.foot[1]
    wide = 0.36 * placed.sprite.rgba.shape[1]
    height, width = canvas.shape[:2]
    rows = slice(max(0, round(y - wide)), max(0, min(height, round(y + wide))))
    columns = slice(max(0, round(x - 2 * wide)), max(0, min(width, round(x + 2 * wide))))
    dy = (np.arange(rows.start, rows.stop, dtype=np.float32) - y) / (0.3 * wide)
    dx = (np.arange(columns.start, columns.stop, dtype=np.float32) - x) / wide
    dark = 0.45 * np.exp(-(dy[:, None] ** 2) - dx[None, :] ** 2)
    canvas[rows, columns] *= 1 - dark[..., None]
