"""One bird skeleton for every species and pose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sparrow.data.synthetic.brush import Brush, Sprite, ring, turn
from sparrow.data.synthetic.plumage import Colour, Plumage, dim, individual, mixed, scaled

Points = Sequence[tuple[float, float]]
POSES = ("perched", "alert", "pecking", "flying", "front")

_BODY: Points = (
    (0.19, -0.20), (0.02, -0.205), (-0.18, -0.135), (-0.31, -0.05), (-0.29, 0.03),
    (-0.17, 0.12), (0.02, 0.185), (0.18, 0.16), (0.28, 0.04), (0.30, -0.10),
)  # fmt: skip
_BACK: Points = (
    (0.22, -0.26), (0.0, -0.28), (-0.25, -0.18), (-0.40, -0.05), (-0.30, -0.01), (-0.12, -0.06),
    (0.08, -0.10), (0.20, -0.12),
)  # fmt: skip
_BREAST: Points = ((0.34, -0.14), (0.36, 0.08), (0.2, 0.2), (0.06, 0.16), (0.14, 0.02), (0.2, -0.1))
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


def draw_bird(
    plumage: Plumage, pose: str, length_px: float, rng: np.random.Generator, puffed: float = 0.0
) -> Sprite:
    """Draw one bird, looking right or left by chance.

    Args:
        plumage: colours and proportions.
        pose: one of ``POSES``.
        length_px: rough length of its long side in pixels.
        rng: where pose details and individual colour come from.
        puffed: 0..1, feathers raised against the cold.
    """
    plumage = individual(plumage, rng, puffed)
    oversampling = 3 if length_px < 90 else 2
    brush = Brush(length_px * oversampling / (1.16 if pose == "flying" else 0.98))
    if pose == "front":
        _paint_front(brush, plumage, rng)
    else:
        _paint_side(brush, plumage, pose, rng)
    if rng.random() < 0.5:
        brush.mirror()
    return brush.finish(oversampling, rng)


def _paint_side(brush: Brush, bird: Plumage, pose: str, rng: np.random.Generator) -> None:
    tilt = {"perched": 28.0, "alert": 48.0, "pecking": -24.0, "flying": 12.0}[pose]
    tilt += float(rng.uniform(-9, 9))
    neck = turn(np.array([(0.23, -0.13)]), tilt)[0]
    lift = {"perched": (0.045, -0.075), "alert": (0.035, -0.085), "pecking": (0.075, 0.015)}
    reach = np.array(lift.get(pose, (0.075, -0.02)))
    nod = {"pecking": -38.0, "flying": 6.0}.get(pose, 4.0) + float(rng.uniform(-12, 12))
    plump = np.array([1.0, bird.plump])
    flying = pose == "flying"
    if flying:
        stroke = float(rng.uniform(-14, 18))
        lowered = rng.random() < 0.35
        _paint_spread_wing(brush, dim(bird, 0.72), tilt, stroke - 16, lowered)
    else:
        _paint_legs(brush, bird, turn(np.array([(0.05, 0.12), (-0.04, 0.12)]), tilt), rng)
    _paint_tail(brush, bird, tilt, fan=0.05 if flying else 0.02, rng=rng)
    body = turn(np.array(_BODY) * plump, tilt)
    # The neck: a bridge between body and skull, so that no gap opens when the head moves.
    bridge = np.array([neck + reach * 0.5 + d for d in ring(0.125 + 0.02 * bird.plump)])
    brush.plumes(bridge, bird.breast, [(bridge - np.array([0.09, 0.07]), bird.nape)], 0.03)
    bib = np.array([(0.40, -0.14), (0.38, -0.02 + 0.1 * bird.bib), (0.27, 0.02 + 0.14 * bird.bib),
                    (0.19, -0.04), (0.2, -0.2)])  # fmt: skip
    patches = [
        (turn(np.array(_BREAST), tilt), bird.breast),
        (turn(np.array(_BACK), tilt), bird.back),
    ]
    if bird.bib:
        patches.append((turn(bib, tilt), bird.throat))
    brush.plumes(body, bird.belly, patches, 0.028, _back_streaks(bird, tilt, rng))
    if flying:
        _paint_spread_wing(brush, bird, tilt, stroke, lowered)
    else:
        _paint_folded_wing(brush, bird, tilt)
    _paint_head(brush, bird, neck + reach, nod)


def _paint_legs(
    brush: Brush, bird: Plumage, hips: NDArray[np.floating], rng: np.random.Generator
) -> None:
    ground = float(hips[:, 1].max()) + 0.06 + 0.1 * bird.plump + float(rng.uniform(0, 0.03))
    for hip, shade in zip(hips, (0.8, 1.0), strict=True):
        foot = np.array([hip[0] + 0.03, ground])
        colour = scaled(bird.leg, shade)
        knee = np.array([hip[0] - 0.015, (hip[1] + ground) / 2 + 0.02])
        brush.line(np.array([hip, knee, foot]), colour, 0.022)
        for toe in ((0.075, 0.012), (0.055, 0.03), (-0.05, 0.012)):
            brush.line(np.array([foot, foot + toe]), colour, 0.014)
    brush.foot = (float(hips[:, 0].mean()) + 0.03, ground)


def _paint_tail(
    brush: Brush, bird: Plumage, tilt: float, fan: float, rng: np.random.Generator
) -> None:
    end = -0.24 - bird.tail_length
    droop = float(rng.uniform(-0.02, 0.05))
    tail = np.array([(-0.18, -0.10), (end, -0.035 - fan + droop), (end + 0.02, 0.0 + droop),
                     (end, 0.03 + fan + droop), (-0.20, 0.05)])  # fmt: skip
    brush.draw.polygon(brush.at(turn(tail, tilt)), fill=bird.tail)
    for y in (-0.02, 0.01):
        feather = np.array([(-0.2, y - 0.02), (end + 0.015, y + droop)])
        brush.line(turn(feather, tilt), scaled(bird.tail, 0.72), 0.008)


def _back_streaks(
    bird: Plumage, tilt: float, rng: np.random.Generator
) -> list[tuple[NDArray[np.floating], Colour, float]]:
    marks = []
    starts = rng.uniform((-0.22, -0.19), (0.16, -0.09), (round(13 * bird.streaks), 2))
    for x, y in starts.tolist():
        y += 0.22 * abs(min(x, 0.0))  # the back falls away towards the tail
        marks.append((turn(np.array([(x, y), (x - 0.07, y + 0.022)]), tilt), bird.streak, 0.013))
    return marks


def _paint_folded_wing(brush: Brush, bird: Plumage, tilt: float) -> None:
    strokes = []
    for i in range(5):  # flight feathers, each with a pale edge
        y = -0.075 + 0.034 * i
        feather = np.array([(-0.02 - 0.01 * i, y), (-0.20, y * 0.55 + 0.01), (-0.37, -0.01)])
        strokes.append((turn(feather, tilt), mixed(bird.flight, bird.bar, 0.35), 0.009))
    bar = np.array([(-0.055, -0.11), (-0.015, -0.02), (0.055, 0.05)])
    strokes.append((turn(bar, tilt), bird.bar, 0.03))
    brush.plumes(
        turn(np.array(_WING), tilt),
        bird.flight,
        [(turn(np.array(_COVERTS), tilt), bird.wing)],
        0.012,
        strokes,
    )


def _paint_spread_wing(
    brush: Brush, bird: Plumage, tilt: float, stroke: float, lowered: bool
) -> None:
    flip = np.array([1.0, -0.8 if lowered else 1.0])

    def placed(points: NDArray[np.floating]) -> NDArray[np.floating]:
        hinge = np.array([0.08, -0.06])
        return turn(turn((points - hinge) * flip, stroke) + hinge, tilt)

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


def _paint_head(brush: Brush, bird: Plumage, centre: NDArray[np.floating], nod: float) -> None:
    def placed(points: Points) -> NDArray[np.floating]:
        return turn(np.array(points) * bird.head, nod) + centre

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


def _paint_front(brush: Brush, bird: Plumage, rng: np.random.Generator) -> None:
    wide = 0.205 * bird.plump
    _paint_legs(brush, bird, np.array([(-0.10, 0.2), (0.04, 0.2)]), rng)
    brush.foot = (0.0, brush.foot[1])
    tail = np.array([(-0.045, 0.1), (-0.05, 0.28), (0.05, 0.28), (0.045, 0.1)])
    brush.draw.polygon(brush.at(tail), fill=scaled(bird.tail, 0.8))
    body = np.array([(0, -0.24), (wide * 0.75, -0.16), (wide, 0.03), (wide * 0.72, 0.19), (0, 0.25),
                     (-wide * 0.72, 0.19), (-wide, 0.03), (-wide * 0.75, -0.16)])  # fmt: skip
    breast = np.array([(0, -0.3), (wide * 0.8, -0.1), (0, 0.06), (-wide * 0.8, -0.1)])
    patches = [(breast, bird.breast)]
    if bird.bib:
        low = -0.10 + 0.12 * bird.bib
        bib = np.array([(0, -0.3), (0.10, -0.16), (0.055, low), (-0.055, low), (-0.10, -0.16)])
        patches.append((bib, bird.throat))
    brush.plumes(body, bird.belly, patches, 0.026)
    for side in (-1.0, 1.0):
        wing = np.array([(0.17, -0.15), (0.225, -0.02), (0.20, 0.14), (0.13, 0.21), (0.155, 0.06)])
        bar = np.array([(0.15, -0.05), (0.225, -0.07)]) * (side, 1)
        brush.plumes(wing * (side * bird.plump, 1), bird.wing, [], 0.01, [(bar, bird.bar, 0.022)])
    _paint_face(brush, bird, np.array([float(rng.uniform(-0.03, 0.03)), -0.265]))


def _paint_face(brush: Brush, bird: Plumage, centre: NDArray[np.floating]) -> None:
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
    brush.line(
        placed([(-wide * 0.8, 0.12), (0, 0.2), (wide * 0.8, 0.12)]), scaled(bird.bill, 0.6), 0.008
    )
