"""One bird skeleton for every species and pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparrow.data.synthetic.brush import Brush, Points, Sprite, ring, rotate
from sparrow.data.synthetic.head import paint_face, paint_head
from sparrow.data.synthetic.plumage import Colour, Plumage, dim, individual, scaled
from sparrow.data.synthetic.wings import paint_folded_wing, paint_spread_wing

Rng = np.random.Generator
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


def draw_bird(
    plumage: Plumage, pose: str, length_px: float, rng: Rng, puffed: float = 0.0
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


@dataclass(frozen=True)
class _Posture:
    """How a bird seen from the side holds itself.

    Attributes:
        tilt: of the body in degrees; positive lifts the bill.
        neck: (x, y) where the head joins the body.
        offset: (x, y) from the neck to the middle of the head.
        nod: of the head in degrees.
    """

    tilt: float
    neck: NDArray[np.floating]
    offset: NDArray[np.floating]
    nod: float

    @classmethod
    def of(cls, pose: str, rng: Rng) -> _Posture:
        tilt = {"perched": 28.0, "alert": 48.0, "pecking": -24.0, "flying": 12.0}[pose]
        tilt += float(rng.uniform(-9, 9))
        offset = {"perched": (0.045, -0.075), "alert": (0.035, -0.085), "pecking": (0.075, 0.015)}
        nod = {"pecking": -38.0, "flying": 6.0}.get(pose, 4.0) + float(rng.uniform(-12, 12))
        neck = rotate(np.array([(0.23, -0.13)]), tilt)[0]
        return cls(tilt, neck, np.array(offset.get(pose, (0.075, -0.02))), nod)


def _paint_side(brush: Brush, bird: Plumage, pose: str, rng: Rng) -> None:
    posture = _Posture.of(pose, rng)
    tilt, flying = posture.tilt, pose == "flying"
    if flying:
        stroke = float(rng.uniform(-14, 18))
        lowered = rng.random() < 0.35
        paint_spread_wing(brush, dim(bird, 0.72), tilt, stroke - 16, lowered)
    else:
        _paint_legs(brush, bird, rotate(np.array([(0.05, 0.12), (-0.04, 0.12)]), tilt), rng)
    _paint_tail(brush, bird, tilt, fan=0.05 if flying else 0.02, rng=rng)
    _paint_body(brush, bird, posture, rng)
    if flying:
        paint_spread_wing(brush, bird, tilt, stroke, lowered)
    else:
        paint_folded_wing(brush, bird, tilt)
    paint_head(brush, bird, posture.neck + posture.offset, posture.nod)


def _paint_body(brush: Brush, bird: Plumage, posture: _Posture, rng: Rng) -> None:
    tilt = posture.tilt
    body = rotate(np.array(_BODY) * np.array([1.0, bird.plump]), tilt)
    # The neck: a bridge between body and skull, so that no gap opens when the head moves.
    middle = posture.neck + posture.offset * 0.5
    bridge = np.array([middle + d for d in ring(0.125 + 0.02 * bird.plump)])
    brush.plumes(bridge, bird.breast, [(bridge - np.array([0.09, 0.07]), bird.nape)], 0.03)
    bib = np.array([(0.40, -0.14), (0.38, -0.02 + 0.1 * bird.bib), (0.27, 0.02 + 0.14 * bird.bib),
                    (0.19, -0.04), (0.2, -0.2)])  # fmt: skip
    patches = [
        (rotate(np.array(_BREAST), tilt), bird.breast),
        (rotate(np.array(_BACK), tilt), bird.back),
    ]
    if bird.bib:
        patches.append((rotate(bib, tilt), bird.throat))
    brush.plumes(body, bird.belly, patches, 0.028, _back_streaks(bird, tilt, rng))


def _paint_legs(brush: Brush, bird: Plumage, hips: NDArray[np.floating], rng: Rng) -> None:
    ground = float(hips[:, 1].max()) + 0.06 + 0.1 * bird.plump + float(rng.uniform(0, 0.03))
    for hip, shade in zip(hips, (0.8, 1.0), strict=True):
        foot = np.array([hip[0] + 0.03, ground])
        colour = scaled(bird.leg, shade)
        knee = np.array([hip[0] - 0.015, (hip[1] + ground) / 2 + 0.02])
        brush.line(np.array([hip, knee, foot]), colour, 0.022)
        for toe in ((0.075, 0.012), (0.055, 0.03), (-0.05, 0.012)):
            brush.line(np.array([foot, foot + toe]), colour, 0.014)
    brush.foot = (float(hips[:, 0].mean()) + 0.03, ground)


def _paint_tail(brush: Brush, bird: Plumage, tilt: float, fan: float, rng: Rng) -> None:
    end = -0.24 - bird.tail_length
    droop = float(rng.uniform(-0.02, 0.05))
    tail = np.array([(-0.18, -0.10), (end, -0.035 - fan + droop), (end + 0.02, 0.0 + droop),
                     (end, 0.03 + fan + droop), (-0.20, 0.05)])  # fmt: skip
    brush.draw.polygon(brush.at(rotate(tail, tilt)), fill=bird.tail)
    for y in (-0.02, 0.01):
        feather = np.array([(-0.2, y - 0.02), (end + 0.015, y + droop)])
        brush.line(rotate(feather, tilt), scaled(bird.tail, 0.72), 0.008)


def _back_streaks(
    bird: Plumage, tilt: float, rng: Rng
) -> list[tuple[NDArray[np.floating], Colour, float]]:
    marks = []
    starts = rng.uniform((-0.22, -0.19), (0.16, -0.09), (round(13 * bird.streaks), 2))
    for x, y in starts.tolist():
        y += 0.22 * abs(min(x, 0.0))  # the back falls away towards the tail
        marks.append((rotate(np.array([(x, y), (x - 0.07, y + 0.022)]), tilt), bird.streak, 0.013))
    return marks


def _paint_front(brush: Brush, bird: Plumage, rng: Rng) -> None:
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
    paint_face(brush, bird, np.array([float(rng.uniform(-0.03, 0.03)), -0.265]))
