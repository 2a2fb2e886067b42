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
    left, top = round(place.x - sprite.foot[0]), round(place.y - sprite.foot[1])
    return PlacedSprite(sprite, left, top, label)


def keep_visible(things: list[PlacedSprite], shape: tuple[int, int]) -> list[PlacedSprite]:
    """Without the labelled birds that others or the frame hide too much, one after the other."""
    while True:
        hidden = first_hidden(things, shape)
        if hidden is None:
            return things
        things = [thing for number, thing in enumerate(things) if number != hidden]


def first_hidden(things: list[PlacedSprite], shape: tuple[int, int]) -> int | None:
    """Number of the first labelled thing that is too hidden or too small for a box."""
    owners = owners_of(things, shape)
    for number, thing in enumerate(things):
        if not thing.label:
            continue
        seen = owners == number
        whole = np.count_nonzero(_mask(thing))
        if np.count_nonzero(seen) < _MIN_VISIBLE * whole:
            return number
        left, top, right, bottom = extent(seen)
        if max(right - left, bottom - top) < _MIN_BOX_PX:
            return number
    return None


def _mask(thing: PlacedSprite) -> NDArray[np.bool_]:
    return thing.sprite.rgba[..., 3] >= 128


def _overlap(
    thing: PlacedSprite, shape: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the photo a thing covers, and the part of the thing inside the photo."""
    rows, columns = thing.sprite.rgba.shape[:2]
    top, left = max(thing.top, 0), max(thing.left, 0)
    bottom = max(min(thing.top + rows, shape[0]), top)
    right = max(min(thing.left + columns, shape[1]), left)
    inner = slice(top - thing.top, bottom - thing.top), slice(left - thing.left, right - thing.left)
    return (slice(top, bottom), slice(left, right)), inner


def owners_of(things: Sequence[PlacedSprite], shape: tuple[int, int]) -> NDArray[np.int16]:
    """[height, width]: number of the thing seen at each pixel, -1 for the background."""
    owners = np.full(shape, -1, dtype=np.int16)
    for number, thing in enumerate(things):
        outer, inner = _overlap(thing, shape)
        owners[outer][_mask(thing)[inner]] = number
    return owners


def extent(seen: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Tight x_min, y_min, x_max, y_max (right and bottom exclusive) of the true pixels."""
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def paste(canvas: NDArray[np.float32], thing: PlacedSprite) -> None:
    outer, inner = _overlap(thing, canvas.shape[:2])
    layer = thing.sprite.rgba[inner].astype(np.float32)
    alpha = layer[..., 3:] / 255
    canvas[outer] += alpha * (layer[..., :3] - canvas[outer])


def shade_ground(canvas: NDArray[np.float32], thing: PlacedSprite) -> None:
    """A soft shadow below the feet."""
    x, y = thing.left + thing.sprite.foot[0], thing.top + thing.sprite.foot[1]
    wide = 0.36 * thing.sprite.rgba.shape[1]
    height, width = canvas.shape[:2]
    rows = slice(max(0, round(y - wide)), max(0, min(height, round(y + wide))))
    columns = slice(max(0, round(x - 2 * wide)), max(0, min(width, round(x + 2 * wide))))
    dy = (np.arange(rows.start, rows.stop, dtype=np.float32) - y) / (0.3 * wide)
    dx = (np.arange(columns.start, columns.stop, dtype=np.float32) - x) / wide
    dark = 0.45 * np.exp(-(dy[:, None] ** 2) - dx[None, :] ** 2)
    canvas[rows, columns] *= 1 - dark[..., None]
