"""The detections of many tiles of one photo as detections of the photo, each object once.

A box that an inner border of a tile may have cut is dropped: another tile, or a coarser scale, sees
the object whole. Tiles of one scale see objects of their overlap more than once: those are matched
one to one, so that neighbours stay apart. Of two scales the finer decides on what it sees whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sparrow.boxes import box_areas, box_iou
from sparrow.detections import Detections
from sparrow.inference.tile_plan import Scale, Tile, TilePlan

SAME_IOU = 0.5  # above the overlap at which the network itself lets two boxes of a photo stand
INSIDE = 0.6  # of the smaller box: it is a part, or the larger one is of several objects
FILLED = 0.5  # of a larger box, by two or more in it: then it is of several objects
LEFT_TO_FINER = 0.7  # of the size that a finer scale sees whole: below it, that scale decides alone

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]


def merge_tiles(
    plan: TilePlan, detected: Sequence[Sequence[Detections]], threshold: float
) -> Detections:
    """Detections of the photo.

    Args:
        plan: of the photo.
        detected: of each scale and tile, in the tile's own pixels.
        threshold: the operating threshold; a surer box is never given up for a fainter one.
    """
    photo = plan.scales[0].tiles[0]
    merged = Detections.empty()
    for scale, of_tiles in zip(plan.scales, detected, strict=True):
        placed = [
            _left_to_scale(_whole(_placed(own, tile), tile, scale, photo), scale)
            for own, tile in zip(of_tiles, scale.tiles, strict=True)
        ]
        merged = _with_finer(merged, _once(placed), scale.whole_px, threshold)
    return merged


def _placed(detections: Detections, tile: Tile) -> Detections:
    """Detections of a tile in pixels of the photo."""
    offset = np.array([tile.left, tile.top] * 2, dtype=np.float32)
    return Detections(detections.boxes_xyxy + offset, detections.scores, detections.labels)


def _whole(detections: Detections, tile: Tile, scale: Scale, photo: Tile) -> Detections:
    """Without boxes that end at an inner border of the tile."""
    boxes, margin = detections.boxes_xyxy, scale.margin_px
    inner = (
        (tile.left > photo.left) & (boxes[:, 0] < tile.left + margin),
        (tile.top > photo.top) & (boxes[:, 1] < tile.top + margin),
        (tile.right < photo.right) & (boxes[:, 2] > tile.right - margin),
        (tile.bottom < photo.bottom) & (boxes[:, 3] > tile.bottom - margin),
    )
    return detections.where(~np.logical_or.reduce(inner))


def _left_to_scale(detections: Detections, scale: Scale) -> Detections:
    """Without boxes so small that a finer scale alone decides on them."""
    return detections.where(_long_sides(detections) >= LEFT_TO_FINER * scale.finer_px)


def _once(of_tiles: Sequence[Detections]) -> Detections:
    """Detections of overlapping tiles of one scale, each object once.

    A box stands for at most one box of every other tile: what one tile tells apart stays apart.
    """
    tile = np.repeat(np.arange(len(of_tiles)), [len(own) for own in of_tiles])
    detections = _joined(of_tiles)
    order = np.argsort(-np.concatenate([own.scores for own in of_tiles]), kind="stable")
    tile = tile[order]
    overlap, _, inside = _overlaps(detections, detections)
    same = _related(detections, detections, overlap, inside)
    kept: list[int] = []
    seen_by: dict[int, set[int]] = {}
    for number, by in enumerate(tile.tolist()):
        near = [other for other in kept if same[number, other] and by not in seen_by[other]]
        if near:
            seen_by[max(near, key=lambda other: overlap[number, other])].add(by)
        else:
            kept.append(number)
            seen_by[number] = {by}
    return detections.where(np.isin(np.arange(len(detections)), kept))


def _with_finer(
    coarse: Detections, fine: Detections, whole_px: float, threshold: float
) -> Detections:
    """Detections of two scales, each object once.

    The finer scale decides on objects that it sees whole, and where it is surer: of one object, and
    of several that fill a larger box. Else a box within a larger one is a part of it.

    Args:
        coarse, fine: of the photo.
        whole_px: see ``Scale``, of the finer one.
        threshold: see ``merge_tiles``.
    """
    overlap, shared, inside = _overlaps(coarse, fine)  # [coarse, fine]
    sure = np.float32(threshold)
    surer = fine.scores[None] >= np.maximum(coarse.scores, sure)[:, None]
    parts = inside & surer
    filled = (shared * parts).sum(axis=1) >= FILLED * box_areas(coarse.boxes_xyxy)
    several = filled & (parts.sum(axis=1) > 1)
    ours = (several | (_long_sides(coarse) <= whole_px))[:, None]
    fine_decides = ours | (surer & (overlap >= SAME_IOU))
    related = _related(coarse, fine, overlap, inside)
    fine_holds = fine.scores[None] >= np.minimum(coarse.scores, sure)[:, None]
    coarse_holds = coarse.scores[:, None] >= np.minimum(fine.scores, sure)[None]
    coarse_wins = related & np.where(fine_decides, ~fine_holds, coarse_holds)
    keep_fine: Bools = ~np.asarray(coarse_wins.any(axis=0))
    keep_coarse: Bools = ~np.asarray((related & ~coarse_wins & keep_fine[None]).any(axis=1))
    return _joined([coarse.where(keep_coarse), fine.where(keep_fine)])


def _overlaps(a: Detections, b: Detections) -> tuple[Floats, Floats, Bools]:
    """[A, B] IoU, the area that two boxes share, and whether most of the smaller is inside."""
    overlap = box_iou(a.boxes_xyxy, b.boxes_xyxy)
    areas_a, areas_b = box_areas(a.boxes_xyxy)[:, None], box_areas(b.boxes_xyxy)[None]
    shared = overlap * (areas_a + areas_b) / (1 + overlap)
    inside = (shared >= INSIDE * np.minimum(areas_a, areas_b)) & (overlap > 0)
    return overlap, shared, np.asarray(inside)


def _related(a: Detections, b: Detections, overlap: Floats, inside: Bools) -> Bools:
    """[A, B] whether two boxes may be of one object."""
    return ((overlap >= SAME_IOU) | inside) & (a.labels[:, None] == b.labels[None])


def _long_sides(detections: Detections) -> Floats:
    boxes = detections.boxes_xyxy
    return np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])


def _joined(parts: Sequence[Detections]) -> Detections:
    return Detections(
        np.concatenate([part.boxes_xyxy for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )
