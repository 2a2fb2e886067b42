"""Birds drawn with Pillow: one skeleton, many species, poses and plumages.

Shapes are closed splines in units of about one bird length, y downwards. A bird is painted larger
than needed and scaled down, which is what makes its edges smooth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Points = Sequence[tuple[float, float]]
Colour = tuple[int, int, int]
POSES = ("perched", "alert", "pecking", "flying", "front")


@dataclass(frozen=True)
class Plumage:
    """Colours (RGB) and proportions of a kind of bird; lengths in units of its own size."""

    crown: Colour
    nape: Colour
    cheek: Colour
    throat: Colour
    breast: Colour
    belly: Colour
    back: Colour
    streak: Colour
    wing: Colour
    flight: Colour
    bar: Colour
    tail: Colour
    bill: Colour
    leg: Colour
    lore: Colour | None = None  # dark line through the eye
    brow: Colour | None = None  # pale line above the eye
    bib: float = 0.0  # how far the throat's colour runs down the breast, 0..1
    streaks: float = 1.0  # strength of the marks on the back
    head: float = 0.148
    bill_length: float = 0.10
    bill_depth: float = 0.95
    tail_length: float = 0.34
    plump: float = 1.0
    size: float = 1.0  # relative to a house sparrow
    eye_ring: Colour | None = None


@dataclass(frozen=True)
class Sprite:
    """A drawn thing.

    Attributes:
        rgba: uint8 [height, width, 4], cut to what is visible.
        foot: (x, y) in pixels of the sprite where it touches what it stands on.
    """

    rgba: NDArray[np.uint8]
    foot: tuple[float, float]


MALE = Plumage(
    crown=(122, 120, 118), nape=(128, 66, 34), cheek=(206, 202, 194), throat=(30, 26, 25),
    breast=(172, 166, 158), belly=(188, 183, 174), back=(146, 92, 52), streak=(52, 36, 26),
    wing=(150, 84, 42), flight=(84, 62, 46), bar=(238, 232, 220), tail=(86, 68, 54),
    bill=(44, 42, 44), leg=(178, 126, 104), lore=(30, 26, 25), bib=0.75,
)  # fmt: skip
FEMALE = Plumage(
    crown=(132, 110, 86), nape=(142, 120, 94), cheek=(176, 160, 138), throat=(190, 176, 154),
    breast=(178, 162, 140), belly=(194, 182, 164), back=(158, 128, 92), streak=(70, 52, 36),
    wing=(152, 116, 78), flight=(98, 76, 56), bar=(226, 214, 192), tail=(104, 84, 64),
    bill=(186, 150, 100), leg=(184, 134, 110), lore=(112, 90, 68), brow=(216, 200, 170),
)  # fmt: skip
BLUE_TIT = Plumage(
    crown=(58, 124, 196), nape=(70, 110, 160), cheek=(240, 244, 244), throat=(36, 46, 84),
    breast=(240, 210, 66), belly=(246, 222, 96), back=(122, 150, 84), streak=(110, 138, 80),
    wing=(70, 124, 188), flight=(52, 92, 150), bar=(240, 244, 246), tail=(62, 112, 180),
    bill=(50, 52, 58), leg=(84, 98, 122), lore=(28, 36, 66), bib=0.1, streaks=0.2,
    head=0.15, bill_length=0.055, bill_depth=0.6, tail_length=0.28, size=0.85,
)  # fmt: skip
ROBIN = Plumage(
    crown=(120, 106, 78), nape=(128, 116, 92), cheek=(222, 104, 40), throat=(226, 100, 34),
    breast=(224, 106, 44), belly=(232, 226, 214), back=(122, 108, 80), streak=(112, 98, 72),
    wing=(116, 100, 72), flight=(98, 84, 62), bar=(140, 122, 90), tail=(110, 94, 68),
    bill=(54, 46, 42), leg=(150, 98, 74), bib=1.0, streaks=0.1,
    bill_length=0.075, bill_depth=0.45, tail_length=0.32, plump=1.12, size=0.95,
)  # fmt: skip
BLACKBIRD = Plumage(
    crown=(28, 27, 30), nape=(28, 27, 30), cheek=(34, 33, 36), throat=(30, 29, 32),
    breast=(34, 33, 36), belly=(40, 39, 42), back=(26, 25, 28), streak=(38, 37, 42),
    wing=(32, 30, 33), flight=(22, 21, 24), bar=(40, 38, 42), tail=(22, 21, 24),
    bill=(240, 164, 32), leg=(86, 66, 52), streaks=0.4, eye_ring=(238, 176, 52),
    head=0.128, bill_length=0.13, bill_depth=0.5, tail_length=0.48, plump=0.92, size=1.5,
)  # fmt: skip
PIGEON = Plumage(
    crown=(112, 122, 142), nape=(78, 128, 118), cheek=(118, 128, 148), throat=(96, 118, 132),
    breast=(160, 138, 152), belly=(164, 170, 184), back=(150, 158, 174), streak=(142, 150, 168),
    wing=(168, 176, 190), flight=(104, 110, 126), bar=(58, 62, 74), tail=(92, 98, 114),
    bill=(96, 88, 92), leg=(206, 92, 92), bib=0.5, streaks=0.2,
    head=0.108, bill_length=0.085, bill_depth=0.55, tail_length=0.36, plump=1.12, size=1.9,
)  # fmt: skip
SPECIES: dict[str, tuple[Plumage, ...]] = {
    "house_sparrow": (MALE, FEMALE),
    "blue_tit": (BLUE_TIT,),
    "robin": (ROBIN,),
    "blackbird": (BLACKBIRD,),
    "pigeon": (PIGEON,),
}

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
    plumage = _individual(plumage, rng, puffed)
    oversampling = 3 if length_px < 90 else 2
    brush = _Brush(length_px * oversampling / (1.16 if pose == "flying" else 0.98))
    if pose == "front":
        _paint_front(brush, plumage, rng)
    else:
        _paint_side(brush, plumage, pose, rng)
    if rng.random() < 0.5:
        brush.mirror()
    return brush.finish(oversampling, rng)


class _Brush:
    """An oversampled canvas of 2 × 2 units whose middle is (0, 0)."""

    def __init__(self, unit_px: float) -> None:
        self.unit = unit_px
        self.side = math.ceil(2.3 * unit_px)
        self.image = Image.new("RGBA", (self.side, self.side), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)
        self.foot = (0.0, 0.30)

    def at(self, points: NDArray[np.floating]) -> list[tuple[float, float]]:
        """Units -> pixels."""
        placed = points * self.unit + self.side / 2
        return list(map(tuple, placed.tolist()))

    def shape(self, points: NDArray[np.floating], colour: Colour) -> None:
        self.draw.polygon(self.at(_smooth(points)), fill=colour)

    def line(self, points: NDArray[np.floating], colour: Colour, width: float) -> None:
        self.draw.line(
            self.at(points), fill=colour, width=max(1, round(width * self.unit)), joint="curve"
        )

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        x, y = x * self.unit + self.side / 2, y * self.unit + self.side / 2
        r = radius * self.unit
        self.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def plumes(
        self,
        outline: NDArray[np.floating],
        base: Colour,
        patches: Sequence[tuple[NDArray[np.floating], Colour]],
        softness: float = 0.012,
        strokes: Sequence[tuple[NDArray[np.floating], Colour, float]] = (),
    ) -> None:
        """A feathered part: patches flow into one another inside a crisp outline."""
        edge = _smooth(outline)
        pixels = edge * self.unit + self.side / 2
        left, top = np.floor(pixels.min(axis=0)).astype(int) - 1
        right, bottom = np.ceil(pixels.max(axis=0)).astype(int) + 2
        size = (int(right - left), int(bottom - top))
        offset = np.array([left, top]) / self.unit

        def local(points: NDArray[np.floating]) -> list[tuple[float, float]]:
            return self.at(points - offset)

        layer = Image.new("RGB", size, base)
        pen = ImageDraw.Draw(layer)
        for points, colour in patches:
            pen.polygon(local(_smooth(points)), fill=colour)
        layer = layer.filter(ImageFilter.BoxBlur(1.6 * softness * self.unit))
        pen = ImageDraw.Draw(layer)
        for points, colour, width in strokes:
            pen.line(local(points), fill=colour, width=max(1, round(width * self.unit)))
        mask = Image.new("L", size, 0)
        ImageDraw.Draw(mask).polygon(local(edge), fill=255)
        self.image.paste(layer, (int(left), int(top)), mask)

    def mirror(self) -> None:
        self.image = self.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        self.foot = (-self.foot[0], self.foot[1])

    def finish(self, oversampling: int, rng: np.random.Generator) -> Sprite:
        """Scale down, shade from above, roughen the plumage, cut to the visible part."""
        box = self.image.getchannel("A").getbbox()
        if box is None:
            raise ValueError("nothing was painted on this brush's canvas")
        foot_x = (self.foot[0] * self.unit + self.side / 2 - box[0]) / oversampling
        foot_y = (self.foot[1] * self.unit + self.side / 2 - box[1]) / oversampling
        width, height = box[2] - box[0], box[3] - box[1]
        small = (max(1, round(width / oversampling)), max(1, round(height / oversampling)))
        # Premultiplied, or the transparent black would darken the edges.
        image = self.image.crop(box).convert("RGBa")
        image = image.resize(small, Image.Resampling.BOX).convert("RGBA")
        rgba = np.asarray(image).astype(np.float32)
        shade = np.linspace(1.12, 0.80, small[1], dtype=np.float32)[:, None]
        grain = 1 + 0.05 * rng.standard_normal((small[1], small[0]), dtype=np.float32)
        rgba[..., :3] *= (shade * grain)[..., None]
        return Sprite(rgba.clip(0, 255).astype(np.uint8), (foot_x, foot_y))


def _paint_side(brush: _Brush, bird: Plumage, pose: str, rng: np.random.Generator) -> None:
    tilt = {"perched": 28.0, "alert": 48.0, "pecking": -24.0, "flying": 12.0}[pose]
    tilt += float(rng.uniform(-9, 9))
    neck = _turn(np.array([(0.23, -0.13)]), tilt)[0]
    lift = {"perched": (0.045, -0.075), "alert": (0.035, -0.085), "pecking": (0.075, 0.015)}
    reach = np.array(lift.get(pose, (0.075, -0.02)))
    nod = {"pecking": -38.0, "flying": 6.0}.get(pose, 4.0) + float(rng.uniform(-12, 12))
    plump = np.array([1.0, bird.plump])
    flying = pose == "flying"
    if flying:
        stroke = float(rng.uniform(-14, 18))
        lowered = rng.random() < 0.35
        _paint_spread_wing(brush, _dim(bird, 0.72), tilt, stroke - 16, lowered)
    else:
        _paint_legs(brush, bird, _turn(np.array([(0.05, 0.12), (-0.04, 0.12)]), tilt), rng)
    _paint_tail(brush, bird, tilt, fan=0.05 if flying else 0.02, rng=rng)
    body = _turn(np.array(_BODY) * plump, tilt)
    # The neck: a bridge between body and skull, so that no gap opens when the head moves.
    bridge = np.array([neck + reach * 0.5 + d for d in _ring(0.125 + 0.02 * bird.plump)])
    brush.plumes(bridge, bird.breast, [(bridge - np.array([0.09, 0.07]), bird.nape)], 0.03)
    bib = np.array([(0.40, -0.14), (0.38, -0.02 + 0.1 * bird.bib), (0.27, 0.02 + 0.14 * bird.bib),
                    (0.19, -0.04), (0.2, -0.2)])  # fmt: skip
    patches = [
        (_turn(np.array(_BREAST), tilt), bird.breast),
        (_turn(np.array(_BACK), tilt), bird.back),
    ]
    if bird.bib:
        patches.append((_turn(bib, tilt), bird.throat))
    brush.plumes(body, bird.belly, patches, 0.028, _back_streaks(bird, tilt, rng))
    if flying:
        _paint_spread_wing(brush, bird, tilt, stroke, lowered)
    else:
        _paint_folded_wing(brush, bird, tilt)
    _paint_head(brush, bird, neck + reach, nod)


def _paint_legs(
    brush: _Brush, bird: Plumage, hips: NDArray[np.floating], rng: np.random.Generator
) -> None:
    ground = float(hips[:, 1].max()) + 0.06 + 0.1 * bird.plump + float(rng.uniform(0, 0.03))
    for hip, shade in zip(hips, (0.8, 1.0), strict=True):
        foot = np.array([hip[0] + 0.03, ground])
        colour = _scaled(bird.leg, shade)
        knee = np.array([hip[0] - 0.015, (hip[1] + ground) / 2 + 0.02])
        brush.line(np.array([hip, knee, foot]), colour, 0.022)
        for toe in ((0.075, 0.012), (0.055, 0.03), (-0.05, 0.012)):
            brush.line(np.array([foot, foot + toe]), colour, 0.014)
    brush.foot = (float(hips[:, 0].mean()) + 0.03, ground)


def _paint_tail(
    brush: _Brush, bird: Plumage, tilt: float, fan: float, rng: np.random.Generator
) -> None:
    end = -0.24 - bird.tail_length
    droop = float(rng.uniform(-0.02, 0.05))
    tail = np.array([(-0.18, -0.10), (end, -0.035 - fan + droop), (end + 0.02, 0.0 + droop),
                     (end, 0.03 + fan + droop), (-0.20, 0.05)])  # fmt: skip
    brush.draw.polygon(brush.at(_turn(tail, tilt)), fill=bird.tail)
    for y in (-0.02, 0.01):
        feather = np.array([(-0.2, y - 0.02), (end + 0.015, y + droop)])
        brush.line(_turn(feather, tilt), _scaled(bird.tail, 0.72), 0.008)


def _back_streaks(
    bird: Plumage, tilt: float, rng: np.random.Generator
) -> list[tuple[NDArray[np.floating], Colour, float]]:
    marks = []
    starts = rng.uniform((-0.22, -0.19), (0.16, -0.09), (round(13 * bird.streaks), 2))
    for x, y in starts.tolist():
        y += 0.22 * abs(min(x, 0.0))  # the back falls away towards the tail
        marks.append((_turn(np.array([(x, y), (x - 0.07, y + 0.022)]), tilt), bird.streak, 0.013))
    return marks


def _paint_folded_wing(brush: _Brush, bird: Plumage, tilt: float) -> None:
    strokes = []
    for i in range(5):  # flight feathers, each with a pale edge
        y = -0.075 + 0.034 * i
        feather = np.array([(-0.02 - 0.01 * i, y), (-0.20, y * 0.55 + 0.01), (-0.37, -0.01)])
        strokes.append((_turn(feather, tilt), _mixed(bird.flight, bird.bar, 0.35), 0.009))
    bar = np.array([(-0.055, -0.11), (-0.015, -0.02), (0.055, 0.05)])
    strokes.append((_turn(bar, tilt), bird.bar, 0.03))
    brush.plumes(
        _turn(np.array(_WING), tilt),
        bird.flight,
        [(_turn(np.array(_COVERTS), tilt), bird.wing)],
        0.012,
        strokes,
    )


def _paint_spread_wing(
    brush: _Brush, bird: Plumage, tilt: float, stroke: float, lowered: bool
) -> None:
    flip = np.array([1.0, -0.8 if lowered else 1.0])

    def placed(points: NDArray[np.floating]) -> NDArray[np.floating]:
        hinge = np.array([0.08, -0.06])
        return _turn(_turn((points - hinge) * flip, stroke) + hinge, tilt)

    tips = np.array(_RAISED)[3:9]
    strokes = [
        (placed(np.array([(0.03, -0.12 - 0.05 * i), tip])), _scaled(bird.flight, 0.7), 0.009)
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


def _paint_head(brush: _Brush, bird: Plumage, centre: NDArray[np.floating], nod: float) -> None:
    def placed(points: Points) -> NDArray[np.floating]:
        return _turn(np.array(points) * bird.head, nod) + centre

    depth = 0.34 * bird.bill_depth
    tip = 0.88 + bird.bill_length / bird.head
    upper = ((0.82, -0.04 - depth), (tip * 0.8, -depth * 0.62), (tip, 0.06), (0.80, 0.08))
    lower = ((0.80, 0.05), (tip * 0.97, 0.07), (tip * 0.8, depth * 0.62), (0.72, 0.06 + depth))
    brush.draw.polygon(brush.at(placed(lower)), fill=_scaled(bird.bill, 0.72))
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
    base = _mixed(bird.cheek, bird.breast, 0.4)
    brush.plumes(placed(_SKULL), base, patches, 0.010)
    _paint_eye(brush, bird, placed([(0.36, -0.17)])[0])


def _paint_eye(brush: _Brush, bird: Plumage, at: NDArray[np.floating]) -> None:
    x, y = float(at[0]), float(at[1])
    brush.disc(x, y, 0.031, bird.eye_ring or _mixed(bird.cheek, (60, 50, 44), 0.5))
    brush.disc(x, y, 0.024, (18, 14, 14))
    brush.disc(x + 0.007, y - 0.009, 0.0075, (250, 250, 250))


def _paint_front(brush: _Brush, bird: Plumage, rng: np.random.Generator) -> None:
    wide = 0.205 * bird.plump
    _paint_legs(brush, bird, np.array([(-0.10, 0.2), (0.04, 0.2)]), rng)
    brush.foot = (0.0, brush.foot[1])
    tail = np.array([(-0.045, 0.1), (-0.05, 0.28), (0.05, 0.28), (0.045, 0.1)])
    brush.draw.polygon(brush.at(tail), fill=_scaled(bird.tail, 0.8))
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


def _paint_face(brush: _Brush, bird: Plumage, centre: NDArray[np.floating]) -> None:
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
    brush.plumes(placed(skull), _mixed(bird.cheek, bird.breast, 0.5), patches, 0.010)
    for side in (-1, 1):
        _paint_eye(brush, bird, placed([(side * 0.48, -0.14)])[0])
    wide = 0.22 * bird.bill_depth + 0.05
    bill = [(-wide, 0.02), (0, -0.14), (wide, 0.02), (0.06, 0.46), (-0.06, 0.46)]
    brush.draw.polygon(brush.at(placed(bill)), fill=bird.bill)
    brush.line(
        placed([(-wide * 0.8, 0.12), (0, 0.2), (wide * 0.8, 0.12)]), _scaled(bird.bill, 0.6), 0.008
    )


def _individual(bird: Plumage, rng: np.random.Generator, puffed: float) -> Plumage:
    """No two birds alike: brightness, warmth, bib and girth vary."""
    light = float(rng.uniform(0.88, 1.12))
    warmth = np.array([1.0, 1.0, 1.0]) + rng.uniform(-0.035, 0.035, 3)
    changed: dict[str, Colour] = {}
    for part in ("crown", "nape", "cheek", "breast", "belly", "back", "wing", "flight", "tail"):
        channels = (np.array(getattr(bird, part)) * light * warmth).clip(0, 255)
        changed[part] = (int(channels[0]), int(channels[1]), int(channels[2]))
    bib = min(1.0, bird.bib * float(rng.uniform(0.7, 1.2)))
    plump = bird.plump * float(rng.uniform(0.94, 1.08)) * (1 + 0.2 * puffed)
    return replace(bird, **changed, bib=bib, plump=plump, head=bird.head * (1 + 0.04 * puffed))  # type: ignore[arg-type]


def _dim(bird: Plumage, factor: float) -> Plumage:
    return replace(
        bird,
        wing=_scaled(bird.wing, factor),
        flight=_scaled(bird.flight, factor),
        bar=_scaled(bird.bar, factor),
    )


def _smooth(points: NDArray[np.floating], steps: int = 7) -> NDArray[np.floating]:
    """Closed Catmull-Rom spline through [N, 2] points: [N * steps, 2]."""
    n = len(points)
    around = np.concatenate([points[-1:], points, points[:2]])[:, None, :]  # [N + 3, 1, 2]
    p0, p1, p2, p3 = around[:n], around[1 : n + 1], around[2 : n + 2], around[3:]
    t = (np.arange(steps) / steps)[None, :, None]
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return curve.reshape(-1, 2)


def _turn(points: NDArray[np.floating], degrees: float) -> NDArray[np.floating]:
    """[N, 2] turned about (0, 0); positive lifts the bill."""
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    return points @ np.array([[cos, -sin], [sin, cos]])


def _ring(radius: float) -> NDArray[np.floating]:
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _scaled(colour: Colour, factor: float) -> Colour:
    r, g, b = (min(255, int(c * factor)) for c in colour)
    return r, g, b


def _mixed(a: Colour, b: Colour, share_b: float) -> Colour:
    r, g, bl = (int(x + (y - x) * share_b) for x, y in zip(a, b, strict=True))
    return r, g, bl
