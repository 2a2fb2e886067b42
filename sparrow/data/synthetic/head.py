"""A bird's head: in profile, and as seen from the front."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparrow.data.synthetic.brush import Brush, Points, rotate
from sparrow.data.synthetic.plumage import Plumage, mixed, scaled

_SKULL: Points = (
    (0.98, 0.02), (0.76, -0.52), (0.22, -0.88), (-0.42, -0.84), (-0.88, -0.42), (-1.0, 0.2),
    (-0.82, 0.86), (0.0, 1.12), (0.7, 0.86),
)  # fmt: skip
_CROWN: Points = (
    (1.1, -0.30),
    (0.5, -0.38),
    (-0.2, -0.42),
    (-0.8, -0.62),
    (-0.8, -1.3),
    (0.4, -1.3),
    (1.1, -0.8),
)
_NAPE: Points = (
    (0.30, -0.36), (-0.2, -0.60), (-0.9, -0.80), (-1.4, 0.0), (-1.1, 1.2), (-0.62, 0.8),
    (-0.52, 0.2), (-0.1, -0.08),
)  # fmt: skip
_CHEEK: Points = (
    (0.30, 0.02),
    (-0.1, -0.02),
    (-0.52, 0.18),
    (-0.5, 0.56),
    (-0.1, 0.7),
    (0.35, 0.5),
)
_LORE: Points = ((1.1, -0.12), (0.4, -0.26), (-0.15, -0.16), (0.3, 0.02), (1.1, 0.22))
_BROW: Points = ((0.45, -0.34), (-0.1, -0.46), (-0.85, -0.26), (-0.8, -0.08), (-0.1, -0.24))
_THROAT: Points = ((1.2, 0.18), (0.5, 0.28), (0.16, 0.62), (0.10, 1.4), (1.2, 1.4))


def paint_head(brush: Brush, bird: Plumage, centre: NDArray[np.floating], nod: float) -> None:
    """In profile, about ``centre``, bowed by ``nod`` degrees."""

    def placed(points: Points) -> NDArray[np.floating]:
        return rotate(np.array(points) * bird.head, nod) + centre

    depth = 0.34 * bird.bill_depth
    tip = 0.88 + bird.bill_length / bird.head
    upper = ((0.82, -0.04 - depth), (tip * 0.8, -depth * 0.62), (tip, 0.06), (0.80, 0.08))
    lower = ((0.80, 0.05), (tip * 0.97, 0.07), (tip * 0.8, depth * 0.62), (0.72, 0.06 + depth))
    brush.draw.polygon(brush.at(placed(lower)), fill=scaled(bird.bill, 0.72))
    brush.draw.polygon(brush.at(placed(upper)), fill=bird.bill)
    patches = [
        (placed(_CHEEK), bird.cheek),
        (placed(_NAPE), bird.nape),
        (placed(_CROWN), bird.crown),
    ]
    patches.append((placed(_THROAT), bird.throat))
    if bird.lore is not None:
        patches.append((placed(_LORE), bird.lore))
    if bird.brow is not None:
        patches.append((placed(_BROW), bird.brow))
    base = mixed(bird.cheek, bird.breast, 0.4)
    brush.plumes(placed(_SKULL), base, patches, 0.010)
    _paint_eye(brush, bird, placed([(0.36, -0.17)])[0])


def _paint_eye(brush: Brush, bird: Plumage, at: NDArray[np.floating]) -> None:
    x, y = float(at[0]), float(at[1])
    brush.disc(x, y, 0.031, bird.eye_ring or mixed(bird.cheek, (60, 50, 44), 0.5))
    brush.disc(x, y, 0.024, (18, 14, 14))
    brush.disc(x + 0.007, y - 0.009, 0.0075, (250, 250, 250))


def paint_face(brush: Brush, bird: Plumage, centre: NDArray[np.floating]) -> None:
    """From the front, about ``centre``."""

    def placed(points: Points) -> NDArray[np.floating]:
        return np.array(points) * bird.head * 1.05 + centre

    skull = [(0, -0.9), (0.62, -0.72), (0.98, -0.1), (0.92, 0.5), (0.5, 0.95), (0, 1.08),
             (-0.5, 0.95), (-0.92, 0.5), (-0.98, -0.1), (-0.62, -0.72)]  # fmt: skip
    crown = [(-0.5, -0.32), (0, -0.2), (0.5, -0.32), (0.72, -0.8), (0, -1.3), (-0.72, -0.8)]
    throat = [(-0.3, 0.12), (0.3, 0.12), (0.5, 1.3), (-0.5, 1.3)]
    patches = []
    for side in (-1, 1):
        cheek = [(side * x, y) for x, y in ((0.35, 0.1), (0.85, 0.15), (0.8, 0.6), (0.4, 0.75))]
        nape = [
            (side * x, y) for x, y in ((0.4, -0.4), (0.6, -0.9), (1.2, -0.3), (1.1, 0.3), (0.6, 0))
        ]
        patches += [(placed(cheek), bird.cheek), (placed(nape), bird.nape)]
    patches += [(placed(crown), bird.crown), (placed(throat), bird.throat)]
    if bird.lore is not None:
        for side in (-1, 1):
            lore = [(0, 0.1), (side * 0.3, -0.24), (side * 0.72, -0.2), (side * 0.4, 0.04)]
            patches.append((placed(lore), bird.lore))
    brush.plumes(placed(skull), mixed(bird.cheek, bird.breast, 0.5), patches, 0.010)
    for side in (-1, 1):
        _paint_eye(brush, bird, placed([(side * 0.48, -0.14)])[0])
    wide = 0.22 * bird.bill_depth + 0.05
    bill = [(-wide, 0.02), (0, -0.14), (wide, 0.02), (0.06, 0.46), (-0.06, 0.46)]
    brush.draw.polygon(brush.at(placed(bill)), fill=bird.bill)
    edge = [(-wide * 0.8, 0.12), (0, 0.2), (wide * 0.8, 0.12)]
    brush.line(placed(edge), scaled(bird.bill, 0.6), 0.008)
