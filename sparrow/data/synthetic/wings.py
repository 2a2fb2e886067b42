"""A bird's wings: folded on its side, and spread in flight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparrow.data.synthetic.brush import Brush, Points, rotate
from sparrow.data.synthetic.plumage import Plumage, mixed, scaled

_WING: Points = (
    (0.17, -0.13), (0.02, -0.165), (-0.18, -0.115), (-0.40, -0.015), (-0.26, 0.035),
    (-0.06, 0.085), (0.10, 0.07), (0.19, -0.03),
)  # fmt: skip
_COVERTS: Points = (
    (0.22, -0.16), (0.02, -0.20), (-0.10, -0.15), (-0.05, -0.02), (0.04, 0.05), (0.2, 0.1),
)  # fmt: skip
_RAISED: Points = (
    (0.19, -0.06), (0.20, -0.28), (0.10, -0.50), (-0.06, -0.68), (-0.26, -0.76), (-0.31, -0.62),
    (-0.33, -0.46), (-0.30, -0.30), (-0.24, -0.14), (-0.12, 0.0),
)  # fmt: skip
_RAISED_COVERTS: Points = (
    (0.24, -0.02), (0.26, -0.30), (0.14, -0.52), (0.0, -0.60), (-0.02, -0.36), (-0.10, -0.16),
    (-0.04, 0.02),
)  # fmt: skip


def paint_folded_wing(brush: Brush, bird: Plumage, tilt: float) -> None:
    """On the side of a body that is tilted so many degrees."""
    strokes = []
    for i in range(5):  # flight feathers, each with a pale edge
        y = -0.075 + 0.034 * i
        feather = np.array([(-0.02 - 0.01 * i, y), (-0.20, y * 0.55 + 0.01), (-0.37, -0.01)])
        strokes.append((rotate(feather, tilt), mixed(bird.flight, bird.bar, 0.35), 0.009))
    bar = np.array([(-0.055, -0.11), (-0.015, -0.02), (0.055, 0.05)])
    strokes.append((rotate(bar, tilt), bird.bar, 0.03))
    brush.plumes(
        rotate(np.array(_WING), tilt),
        bird.flight,
        [(rotate(np.array(_COVERTS), tilt), bird.wing)],
        0.012,
        strokes,
    )


def paint_spread_wing(
    brush: Brush, bird: Plumage, tilt: float, stroke: float, lowered: bool
) -> None:
    """Raised or lowered by ``stroke`` degrees, on a body that is tilted so many degrees."""
    flip = np.array([1.0, -0.8 if lowered else 1.0])

    def placed(points: NDArray[np.floating]) -> NDArray[np.floating]:
        hinge = np.array([0.08, -0.06])
        return rotate(rotate((points - hinge) * flip, stroke) + hinge, tilt)

    tips = np.array(_RAISED)[3:9]
    strokes = [
        (placed(np.array([(0.03, -0.12 - 0.05 * i), tip])), scaled(bird.flight, 0.7), 0.009)
        for i, tip in enumerate(tips[::-1])
    ]
    strokes.append(
        (placed(np.array([(-0.08, -0.06), (-0.04, -0.34), (0.0, -0.56)])), bird.bar, 0.02)
    )
    brush.plumes(
        placed(np.array(_RAISED)),
        bird.flight,
        [(placed(np.array(_RAISED_COVERTS)), bird.wing)],
        0.012,
        strokes,
    )
