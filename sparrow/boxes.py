"""The only box arithmetic of the project (NumPy).

Every box is ``xyxy``: left, top, right, bottom in pixels of the upright photo, with
``left <= right`` and ``top <= bottom``; ``xywh`` (left, top, width, height) lives only in files.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boxes = NDArray[np.floating]


def as_boxes(boxes: ArrayLike) -> Boxes:
    """Any N×4 sequence as a float array [N, 4]; an empty one becomes [0, 4]."""
    array = np.asarray(boxes, dtype=np.float64)
    return array.reshape(-1, 4) if array.size else np.zeros((0, 4))


def xywh_to_xyxy(boxes_xywh: ArrayLike) -> Boxes:
    """[N, 4] left, top, width, height -> [N, 4] left, top, right, bottom."""
    boxes = as_boxes(boxes_xywh).copy()
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def xyxy_to_xywh(boxes_xyxy: ArrayLike) -> Boxes:
    """[N, 4] left, top, right, bottom -> [N, 4] left, top, width, height."""
    boxes = as_boxes(boxes_xyxy).copy()
    boxes[:, 2:] -= boxes[:, :2]
    return boxes


def clip_boxes(boxes_xyxy: ArrayLike, width_px: float, height_px: float) -> Boxes:
    """Boxes [N, 4] cut at the photo's frame; a box wholly outside becomes one of area 0."""
    boxes = as_boxes(boxes_xyxy).copy()
    boxes[:, 0::2] = boxes[:, 0::2].clip(0, width_px)
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, height_px)
    return boxes


def box_areas(boxes_xyxy: ArrayLike) -> NDArray[np.floating]:
    """Areas [N] in square pixels."""
    boxes = as_boxes(boxes_xyxy)
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def box_iou(a_xyxy: ArrayLike, b_xyxy: ArrayLike) -> NDArray[np.floating]:
    """Intersection over union [N, M] in 0..1; a pair whose union is empty has IoU 0."""
    a, b = as_boxes(a_xyxy), as_boxes(b_xyxy)
    return _iou(a[:, None], b[None, :], box_areas(a)[:, None], box_areas(b)[None, :])


def paired_iou(a_xyxy: ArrayLike, b_xyxy: ArrayLike) -> NDArray[np.floating]:
    """IoU [N] of box i of ``a`` with box i of ``b``, as in ``box_iou``."""
    a, b = as_boxes(a_xyxy), as_boxes(b_xyxy)
    return _iou(a, b, box_areas(a), box_areas(b))


def _iou(a: Boxes, b: Boxes, a_areas: Boxes, b_areas: Boxes) -> NDArray[np.floating]:
    """Of boxes [..., 4] and their areas [...], whose shapes broadcast against each other."""
    left_top = np.maximum(a[..., :2], b[..., :2])
    right_bottom = np.minimum(a[..., 2:], b[..., 2:])
    sides = (right_bottom - left_top).clip(min=0)
    shared = sides[..., 0] * sides[..., 1]
    union = a_areas + b_areas - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
