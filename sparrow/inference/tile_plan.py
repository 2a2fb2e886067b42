"""Which tiles of a large photo the network is shown, so that it finds small objects, too.

The network sees a photo scaled to its input, in which small objects are too small to be found. So
it is also shown overlapping tiles, each scaled to the input by itself: objects are larger there.
An object that the tiles of one scale cut is seen whole at the scale before: tiles overlap by as
much as the smallest object that is found there, and the whole photo comes first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.object_size import SHRUNK, smallest_box_px
from sparrow.inference.tile_choice import TileChoice
from sparrow.photo_scale import fit_scale

# Objects are found from so many times the network's smallest box on: in the demo's champion 2 % of
# the objects that it detects in held-out photos are smaller (docs/benchmarks.md).
FOUND_FROM = 2.0
# Networks that take an input of any size as it is are shown tiles of so many times their usual
# sides: fewer tiles, of which less is overlap.
ANY_SIZE = ("fasterrcnn_", "retinanet_", "fcos_")
ENLARGED = 2
MARGIN_PX = 4  # of the network's input: a box that ends nearer to an inner border may be cut there
MOST_ENLARGED = 4  # times; beyond it a photo shows nothing more
MOST_SCALES = 6
MOST_OVERLAP = 0.75  # of a tile's short side


@dataclass(frozen=True)
class Tile:
    """A part of the photo in its pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Scale:
    """Tiles of one size that cover the photo.

    Attributes:
        tiles: one alone is the whole photo.
        margin_px: a box that ends nearer to an inner border than that may be cut.
        whole_px: an object of at most this width and height is whole in a tile, wherever it is.
        finer_px: ``whole_px`` of the next finer scale, which decides on objects of that size; 0 at
            the finest.
    """

    tiles: tuple[Tile, ...]
    margin_px: float
    whole_px: float
    finer_px: float = 0.0


@dataclass(frozen=True)
class TilePlan:
    """What is shown to the network of one photo.

    Attributes:
        scales: the whole photo, then tiles from coarse to fine.
        smallest_px: side, in pixels of the photo, of the smallest objects that are found.
        enlarged: how many times larger than usual the network's input is for a tile.
        limited: whether these are larger than was asked for, since more tiles were not allowed.
    """

    scales: tuple[Scale, ...]
    smallest_px: int
    enlarged: int
    limited: bool = False

    @property
    def tiles(self) -> int:
        """How many tiles there are beside the whole photo."""
        return sum(len(scale.tiles) for scale in self.scales[1:])


def plan_tiles(
    info: ModelInfo, width_px: int, height_px: int, choice: TileChoice
) -> TilePlan | None:
    """Plan the tiles of a photo.

    Args:
        info: of the model.
        width_px, height_px: of the upright photo.
        choice: what is asked for.

    Returns:
        None where the whole photo is enough, since it is hardly larger than the network's input or
        such objects are found in it, and where tiles would show no more: the network's smallest box
        fills most of its input, or too few tiles are allowed.
    """
    tiles, most = choice.tiles, choice.most
    whole = fit_scale(width_px, height_px, info.min_side_px, info.max_side_px)
    if tiles is None or (tiles == "auto" and whole >= SHRUNK):
        return None
    first = wanted = smallest_box_px(info) if tiles == "auto" else max(tiles, least_wanted_px(info))
    while wanted < found_from_px(info) / whole:
        ratio = found_from_px(info) / wanted / whole
        plans = [
            _plan(info, (width_px, height_px), ratio, steps) for steps in range(1, MOST_SCALES + 1)
        ]
        plan = min(filter(None, plans), key=lambda plan: plan.tiles, default=None)
        if plan is not None and (most is None or plan.tiles <= most):
            return replace(plan, limited=wanted > first)
        wanted *= 1.1
    return None


def least_wanted_px(info: ModelInfo) -> int:
    """The smallest objects that tiles can be asked for."""
    return math.ceil(found_from_px(info) / MOST_ENLARGED)


def found_from_px(info: ModelInfo) -> float:
    """Side, in pixels of the network's input, of the smallest objects that it finds."""
    return FOUND_FROM * smallest_box_px(info)


def _plan(info: ModelInfo, photo_px: tuple[int, int], ratio: float, steps: int) -> TilePlan | None:
    """A plan of so many scales beside the whole photo; None where tiles would overlap too much.

    Args:
        info, photo_px: of the model, and of the photo.
        ratio: of the finest scale to that of the whole photo.
        steps: from the one to the other.
    """
    enlarged = ENLARGED if info.architecture.startswith(ANY_SIZE) else 1
    from_px, step = found_from_px(info), ratio ** (1 / steps)
    shared = step * from_px  # the smallest objects that the scale before finds
    if shared + 2 * MARGIN_PX > MOST_OVERLAP * enlarged * info.min_side_px:
        return None
    coarsest = fit_scale(*photo_px, info.min_side_px, info.max_side_px)
    sides = enlarged * info.max_side_px, enlarged * info.min_side_px
    scales = [
        _scale(sides, photo_px, coarsest * step**number, shared) for number in range(1, steps + 1)
    ]
    ordered = [Scale((Tile(0, 0, *photo_px),), 0.0, math.inf), *scales]
    finer = [scale.whole_px for scale in scales] + [0.0]
    linked = (replace(scale, finer_px=own) for scale, own in zip(ordered, finer, strict=True))
    return TilePlan(tuple(linked), math.ceil(from_px / ratio / coarsest - 1e-9), enlarged)


def _scale(
    sides_px: tuple[int, int], photo_px: tuple[int, int], factor: float, shared_px: float
) -> Scale:
    """Tiles that fill the network's input where the photo is scaled by ``factor``.

    Args:
        sides_px: long and short side of the input.
        photo_px: width and height of the photo.
        factor: input pixels for a pixel of the photo.
        shared_px: in input pixels, of objects that are whole in a tile wherever they are.
    """
    long, short = int(sides_px[0] / factor), int(sides_px[1] / factor)
    margin = math.ceil(MARGIN_PX / factor)
    overlap = math.ceil(shared_px / factor) + 2 * margin
    sizes = ((long, short), (short, long))
    grids = [
        [_starts(*side, overlap) for side in zip(photo_px, size, strict=True)] for size in sizes
    ]
    grid = min(grids, key=lambda grid: len(grid[0]) * len(grid[1]))
    width, height = sizes[grids.index(grid)]
    tiles = tuple(
        Tile(left, top, min(left + width, photo_px[0]), min(top + height, photo_px[1]))
        for top in grid[1]
        for left in grid[0]
    )
    return Scale(tiles, margin, overlap - 2 * margin)


def _starts(length: int, tile: int, overlap: int) -> Sequence[int]:
    """Where tiles begin along one side, evenly; neighbours share at least ``overlap`` pixels."""
    if length <= tile:
        return [0]
    steps = math.ceil((length - tile) / (tile - overlap))
    return [step * (length - tile) // steps for step in range(steps + 1)]
