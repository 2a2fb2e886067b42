"""Detections of a photo that the network is shown whole and in tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sparrow.detections import Detections
from sparrow.images import RgbImage
from sparrow.inference.tile_merge import merge_tiles
from sparrow.inference.tile_plan import Tile, TilePlan


@dataclass(frozen=True, eq=False)
class TiledDetections:
    """What was found in a photo.

    Attributes:
        detections: of the photo, each object once.
        is_minimum: the network found as much as it can in one of the tiles: there may be more.
    """

    detections: Detections
    is_minimum: bool


def detect_in_tiles(
    image: RgbImage,
    detect: Callable[[RgbImage, int], Detections],
    plan: TilePlan,
    threshold: float,
    max_objects: int | None = None,
) -> TiledDetections:
    """Show the network the whole photo, then its tiles.

    Args:
        image: uint8 [height, width, 3], upright RGB at full size.
        detect: what the network finds in a photo (``Engine.detect``).
        plan: of a photo of this size.
        threshold: the operating threshold of the model.
        max_objects: the most that it finds in one photo; None where that is not known.
    """
    detected = [
        [detect(_part(image, tile), plan.enlarged if number else 1) for tile in scale.tiles]
        for number, scale in enumerate(plan.scales)
    ]
    most = max(len(own.above(threshold)) for of_tiles in detected for own in of_tiles)
    merged = merge_tiles(plan, detected, threshold)
    return TiledDetections(merged, max_objects is not None and most >= max_objects)


def _part(image: RgbImage, tile: Tile) -> RgbImage:
    return image[tile.top : tile.bottom, tile.left : tile.right]
