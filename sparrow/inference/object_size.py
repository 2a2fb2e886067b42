"""How large an object must be in a photo for its model to have a box near its size.

A network sees a photo scaled to its own input: of a 12-megapixel photo at 640 × 480, an object of
30 px has 5 px left. A count of such a photo says nothing about objects that small, nor does its
interval, which was measured on the test photos.
"""

from __future__ import annotations

import math

from sparrow.inference.model_folder import ModelInfo
from sparrow.photo_scale import fit_scale

SMALLEST_BOX_PX = 32  # of torchvision's detectors, where a model's config names no other
SHRUNK = 0.5  # photos scaled by less are not remarked upon


def smallest_object_px(info: ModelInfo, width_px: int, height_px: int) -> int | None:
    """Side, in pixels of the photo, of the smallest box that the network begins with.

    Smaller objects may be missed. None for a photo that is scaled by ``SHRUNK`` or more.
    """
    scale = fit_scale(width_px, height_px, info.min_side_px, info.max_side_px)
    return math.ceil(smallest_box_px(info) / scale) if scale < SHRUNK else None


def size_in_words(smallest_px: int | None) -> str:
    """What a person should know of a count, or nothing."""
    return f"objects below about {smallest_px} px may be missed" if smallest_px else ""


def smallest_box_px(info: ModelInfo) -> float:
    """Side, in pixels of the network's input, of the smallest box that it begins with."""
    section = info.config.get("model")
    sizes = section.get("anchor_sizes_px") if isinstance(section, dict) else None
    numbers = [size for size in sizes or () if isinstance(size, int | float) and size > 0]
    return min(numbers, default=SMALLEST_BOX_PX)
