"""The box around a shape that a labelling tool drew: polygon, circle, ellipse, turned rectangle.

Coordinates are pixels with y downwards; angles turn clockwise, as all of the tools write them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

Corners = tuple[float, float, float, float]  # xyxy
Point = tuple[float, float]


def around(points: Iterable[Point]) -> Corners:
    """The box around points; there is at least one."""
    x, y = zip(*points, strict=True)
    return min(x), min(y), max(x), max(y)


def turned_box(xyxy: Corners, degrees: float, pivot: Point | None = None) -> Corners:
    """The box around a rectangle that was turned.

    Args:
        xyxy: corners before the turn.
        degrees: clockwise.
        pivot: the point that stays where it is; None is the rectangle's centre.
    """
    if degrees % 360 == 0:
        return xyxy
    x_min, y_min, x_max, y_max = xyxy
    pivot_x, pivot_y = pivot or ((x_min + x_max) / 2, (y_min + y_max) / 2)
    cos, sin = _cos_sin(degrees)
    return around(
        (
            pivot_x + (x - pivot_x) * cos - (y - pivot_y) * sin,
            pivot_y + (x - pivot_x) * sin + (y - pivot_y) * cos,
        )
        for x in (x_min, x_max)
        for y in (y_min, y_max)
    )


def ellipse_box(centre: Point, radii: Point, degrees: float = 0.0) -> Corners:
    """The box around an ellipse whose axes are turned clockwise."""
    (x, y), (radius_x, radius_y) = centre, radii
    cos, sin = _cos_sin(degrees)
    half_width = math.hypot(radius_x * cos, radius_y * sin)
    half_height = math.hypot(radius_x * sin, radius_y * cos)
    return x - half_width, y - half_height, x + half_width, y + half_height


def _cos_sin(degrees: float) -> Point:
    """Quarter turns are exact, so that whole pixels stay whole."""
    if degrees % 90 == 0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(degrees // 90) % 4]
    angle = math.radians(degrees)
    return math.cos(angle), math.sin(angle)
