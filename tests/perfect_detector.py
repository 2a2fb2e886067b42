"""A photo whose pixels tell where they are, and a detector that knows what is there."""

from __future__ import annotations

from functools import cache

import numpy as np

from sparrow.detections import Detections
from sparrow.images import RgbImage
from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.tile_plan import found_from_px
from sparrow.photo_scale import fit_scale

SIDE_PX = 4096


@cache
def _all_places() -> RgbImage:
    x, y = np.arange(SIDE_PX, dtype=np.uint16), np.arange(SIDE_PX, dtype=np.uint16)[:, None]
    x, y = np.broadcast_arrays(x, y)
    return np.stack([x & 255, (x >> 8) | (y >> 8 << 4), y & 255], axis=-1).astype(np.uint8)


def photo_of_places(width_px: int, height_px: int) -> RgbImage:
    """uint8 [height, width, 3]; at most ``SIDE_PX`` wide and high."""
    return _all_places()[:height_px, :width_px]


class PerfectDetector:
    """Finds every object in what it is shown, cut at its frame as a network's boxes are.

    Attributes:
        shown: sizes of what it was shown: (width, height) in pixels.
    """

    def __init__(self, objects: Detections, sees_from: ModelInfo | None = None) -> None:
        """``sees_from``: a model; objects that are too small in its input are not found."""
        self._objects, self._info = objects, sees_from
        self.shown: list[tuple[int, int]] = []

    def __call__(self, image: RgbImage, enlarged: int = 1) -> Detections:
        first = image[0, 0].astype(int)
        left, top = first[0] + ((first[1] & 15) << 8), first[2] + ((first[1] >> 4) << 8)
        height, width = image.shape[:2]
        self.shown.append((width, height))
        boxes = self._objects.boxes_xyxy - np.array([left, top] * 2, np.float32)
        cut = np.clip(boxes, 0, np.array([width, height] * 2, np.float32))
        there = (cut[:, 2:] > cut[:, :2]).all(axis=1)
        if self._info is not None:
            sides = enlarged * self._info.min_side_px, enlarged * self._info.max_side_px
            long = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
            there &= long * fit_scale(width, height, *sides) >= found_from_px(self._info) - 1e-3
        return Detections(cut[there], self._objects.scores[there], self._objects.labels[there])
