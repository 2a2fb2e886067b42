"""Backgrounds with texture, and the spots in them where birds sit.

Everything is painted at twice its size and scaled down; colours are RGB, lengths pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from sparrow.data.synthetic.clutter import paint_daisy, rgb, scatter_leaves
from sparrow.data.synthetic.texture import OVERSAMPLING, blur, fill, roughen, sky_colours

Rng = np.random.Generator


@dataclass(frozen=True)
class Place:
    """A spot for a bird: where its feet go, how near it is, and whether it hangs in the air."""

    x: float
    y: float
    nearness: float = 1.0
    air: bool = False


@dataclass(frozen=True)
class Scene:
    """A background (RGB, the photo's size) and the places birds may take, in random order."""

    kind: str
    image: Image.Image
    places: list[Place]
    casts_shadow: bool


def draw_scene(kind: str, width: int, height: int, rng: Rng) -> Scene:
    """One of ``SCENES`` at the given size."""
    image = Image.new("RGB", (width * OVERSAMPLING, height * OVERSAMPLING))
    places, casts_shadow = SCENES[kind](image, rng)
    order = rng.permutation(len(places))
    placed = [
        Place(p.x / OVERSAMPLING, p.y / OVERSAMPLING, p.nearness, p.air)
        for p in (places[i] for i in order)
    ]
    return Scene(kind, image.reduce(OVERSAMPLING), placed, casts_shadow)


def _lawn(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    fill(image, (104, 140, 62), (72, 108, 42), rng, 22)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    n = round(width * height / 620)
    for x, y, lean, tone in rng.uniform((0, 0, -1, 0), (width, height, 1, 1), (n, 4)).tolist():
        tall = (6 + 20 * y / height) * (0.6 + tone)
        colour = (round(66 + 84 * tone), round(106 + 76 * tone), round(34 + 46 * tone))
        pen.line((x, y, x + lean * tall * 0.5, y - tall), fill=colour, width=2)
    for x, y in rng.uniform((0, 0), (width, height), (int(rng.integers(0, 26)), 2)).tolist():
        paint_daisy(pen, x, y, 3 + 5 * y / height, rng)
    return _ground(width, height, 0.18, rng), True


def _hedge(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    fill(image, (52, 78, 40), (28, 44, 24), rng, 26)
    width, height = image.size
    for radius in (7, 2):
        pen = ImageDraw.Draw(image)
        scatter_leaves(pen, width, height, 130, (34, 52), rng, (40, 86, 34), (120, 156, 70))
        blur(image, radius)
    pen = ImageDraw.Draw(image)
    places = []
    for _ in range(int(rng.integers(3, 6))):
        y = float(rng.uniform(0.25, 0.95)) * height
        places += _paint_branch(pen, (0, y), (width, y + rng.uniform(-0.2, 0.2) * height), 12, rng)
    scatter_leaves(pen, width, height, 70, (26, 44), rng, (58, 108, 44), (140, 172, 80))
    return places, False


def _bricks(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    base = np.array(
        [(150, 84, 62), (172, 152, 128), (122, 116, 112), (190, 178, 160)][rng.integers(4)]
    )
    fill(image, (176, 170, 158), (150, 144, 134), rng, 12)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    ledge = height * float(rng.uniform(0.55, 0.85))
    tall, long = int(rng.integers(26, 46)), int(rng.integers(78, 130))
    for row in range(int(height / tall) + 1):
        for column in range(-1, int(width / long) + 1):
            x, y = column * long + (row % 2) * long / 2, row * tall
            r, g, b = (base * rng.uniform(0.8, 1.14)).clip(0, 255).astype(int).tolist()
            pen.rounded_rectangle((x + 2, y + 2, x + long - 3, y + tall - 3), 4, fill=(r, g, b))
    roughen(image, rng, 14)
    pen = ImageDraw.Draw(image)
    thick = int(rng.integers(24, 44))
    pen.rectangle((0, ledge, width, ledge + thick), fill=(188, 182, 170))
    pen.rectangle((0, ledge + thick, width, ledge + thick + 14), fill=(74, 60, 54))
    places = _along(0, width, lambda x: ledge + 8, 40, rng)
    places += [Place(p.x, p.y, 1.15) for p in _along(0, width, lambda x: height * 0.985, 14, rng)]
    return places, True


def _roof(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    sky = sky_colours(rng)
    fill(image, sky[0], sky[1], rng, 6)
    width, height = image.size
    ridge = height * float(rng.uniform(0.2, 0.5))
    base = np.array([(166, 88, 62), (120, 70, 60), (98, 98, 104)][rng.integers(3)])
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, ridge, width, height), fill=rgb(base * 0.55))
    tile = int(rng.integers(36, 58))
    for row, y in enumerate(np.arange(ridge - tile * 0.4, height, tile * 0.72).tolist()):
        for x in np.arange(-tile + (row % 2) * tile / 2, width, tile).tolist():
            colour = base * rng.uniform(0.8, 1.16)
            pen.rounded_rectangle(
                (x + 1, y, x + tile - 2, y + tile), tile // 3, fill=rgb(colour * 0.62)
            )
            pen.rounded_rectangle(
                (x + 1, y, x + tile - 4, y + tile - 5), tile // 3, fill=rgb(colour)
            )
    roughen(image, rng, 12)
    pen = ImageDraw.Draw(image)
    for x in np.arange(0, width, tile * 1.5).tolist():
        box = (x, ridge - tile * 0.45, x + tile * 1.6, ridge + tile * 0.3)
        pen.rounded_rectangle(box, tile // 4, fill=rgb(base * rng.uniform(0.85, 1.1)))
    places = _along(0, width, lambda x: ridge - tile * 0.32, 30, rng)
    return places + _ground(width, height, ridge / height + 0.12, rng)[:18], False


def _branches(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    sky = sky_colours(rng)
    fill(image, sky[0], sky[1], rng, 8)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    if rng.random() < 0.6:  # trees far behind, out of focus
        for x, y, r in rng.uniform((0, 0.5, 0.1), (1, 1.1, 0.3), (14, 3)).tolist():
            tone = float(rng.uniform(0.7, 1.2))
            box = ((x - r) * width, y * height - r * width, (x + r) * width, y * height + r * width)
            pen.ellipse(box, fill=rgb(np.array([86, 116, 70]) * tone))
        blur(image, 24)
        pen = ImageDraw.Draw(image)
    places = [
        Place(x, y, 0.9, air=True)
        for x, y in rng.uniform((0.1, 0.15), (0.9, 0.7), (3, 2)) * (width, height)
    ]
    for _ in range(int(rng.integers(1, 4))):
        left, right = rng.uniform(0.3, 0.95, 2) * height
        thick = float(rng.uniform(9, 26))
        places += _paint_branch(pen, (0, float(left)), (width, float(right)), thick, rng)
    scatter_leaves(
        pen, width, height, int(rng.integers(0, 40)), (20, 40), rng, (70, 110, 44), (150, 170, 74)
    )
    return places, False


def _feeder(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    fill(image, (128, 158, 106), (70, 104, 58), rng, 34)
    blur(image, 12)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    middle, top = width * float(rng.uniform(0.35, 0.65)), height * float(rng.uniform(0.16, 0.3))
    half, floor = width * float(rng.uniform(0.3, 0.42)), height * float(rng.uniform(0.66, 0.82))
    wood = np.array([(150, 108, 66), (112, 82, 58), (168, 138, 100)][rng.integers(3)])
    pen.rectangle((middle - 12, floor, middle + 12, height), fill=rgb(wood * 0.62))
    for x in (middle - half * 0.8, middle + half * 0.8):
        pen.rectangle((x - 7, top, x + 7, floor), fill=rgb(wood * 0.8))
    peak = [
        (middle, top - height * 0.16),
        (middle + half * 1.12, top + 16),
        (middle - half * 1.12, top + 16),
    ]
    pen.polygon(peak, fill=rgb(wood * 0.92))
    pen.line([peak[2], peak[1]], fill=rgb(wood * 0.55), width=8)
    pen.rectangle((middle - half, floor - 10, middle + half, floor + 24), fill=rgb(wood))
    pen.line((middle - half, floor + 24, middle + half, floor + 24), fill=rgb(wood * 0.5), width=5)
    for x in rng.uniform(middle - half, middle + half, 150).tolist():
        y = floor - 10 - float(rng.uniform(0, 9))
        pen.ellipse(
            (x - 4, y - 3, x + 4, y + 3),
            fill=rgb(np.array([196, 164, 104]) * rng.uniform(0.6, 1.15)),
        )
    roughen(image, rng, 8)
    places = _along(middle - half * 0.9, middle + half * 0.9, lambda x: floor + 2, 30, rng)
    slope = height * 0.16 / (half * 1.12)
    places += _along(
        middle - half,
        middle + half,
        lambda x: top - height * 0.15 + abs(x - middle) * slope,
        8,
        rng,
    )
    air = rng.uniform((0.08, 0.3), (0.92, 0.75), (5, 2)) * (width, height)
    return places + [Place(x, y, 1.0, air=True) for x, y in air.tolist()], False


def _gravel(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    tone = np.array([(158, 150, 138), (140, 126, 108), (150, 152, 156)][rng.integers(3)])
    fill(image, rgb(tone * 1.05), rgb(tone * 0.85), rng, 16)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    n = round(width * height / 420)
    ys = np.sort(rng.uniform(0, height, n))
    stones = np.stack(
        [rng.uniform(0, width, n), ys, rng.uniform(0.5, 1.2, n), rng.uniform(0.68, 1.2, n)], 1
    )
    for x, y, size, light in stones.tolist():
        r = (3.5 + 8 * y / height) * size
        pen.ellipse((x - r, y - r * 0.55, x + r, y + r * 0.7), fill=rgb(tone * light * 0.62))
        pen.ellipse((x - r, y - r * 0.65, x + r * 0.9, y + r * 0.5), fill=rgb(tone * light))
    return _ground(width, height, 0.15, rng), True


def _snow(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    fill(image, (206, 214, 226), (236, 240, 246), rng, 10)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    for y in np.sort(rng.uniform(0.1, 1.0, 9)).tolist():
        x, r = float(rng.uniform(0, width)), float(rng.uniform(0.2, 0.5)) * width
        pen.ellipse(
            (x - r, y * height, x + r, y * height + 0.3 * r),
            fill=rgb(np.array([226, 232, 242]) * rng.uniform(0.93, 1.05)),
        )
    blur(image, 14)
    pen = ImageDraw.Draw(image)
    for x, y in rng.uniform((0, 0.15), (1, 1), (int(rng.integers(6, 26)), 2)).tolist():
        tall = 18 + 40 * y
        for lean in rng.uniform(-0.6, 0.6, 4).tolist():  # dry grass that pokes through
            tip = (x * width + lean * tall, y * height - tall)
            pen.line(
                (x * width, y * height, *tip),
                fill=rgb(np.array([150, 128, 92]) * rng.uniform(0.7, 1.1)),
                width=2,
            )
    return _ground(width, height, 0.2, rng), True


SCENES: dict[str, Callable[[Image.Image, Rng], tuple[list[Place], bool]]] = {
    "lawn": _lawn,
    "hedge": _hedge,
    "bricks": _bricks,
    "roof": _roof,
    "branches": _branches,
    "feeder": _feeder,
    "gravel": _gravel,
    "snow": _snow,
}


def _ground(width: int, height: int, horizon: float, rng: Rng) -> list[Place]:
    spots = rng.uniform((0.03, max(horizon, 0.22)), (0.97, 0.98), (60, 2))
    return [Place(x * width, y * height, 0.72 + 0.5 * y) for x, y in spots.tolist()]


def _along(
    left: float, right: float, level: Callable[[float], float], n: int, rng: Rng
) -> list[Place]:
    return [Place(x, level(x)) for x in rng.uniform(left, right, n).tolist()]


def _paint_branch(
    pen: ImageDraw.ImageDraw,
    start: tuple[float, float],
    end: tuple[float, float],
    thick: float,
    rng: Rng,
) -> list[Place]:
    """A wavy branch from edge to edge; the places lie on its upper side."""
    t = np.linspace(0, 1, 24)
    sway = np.sin(t * float(rng.uniform(3, 9)) + float(rng.uniform(0, 6))) * float(
        rng.uniform(4, 26)
    )
    xs = start[0] + (end[0] - start[0]) * t
    ys = start[1] + (end[1] - start[1]) * t + sway
    bark = np.array([104, 80, 60]) * rng.uniform(0.6, 1.2)
    line = list(zip(xs.tolist(), ys.tolist(), strict=True))
    pen.line(line, fill=rgb(bark * 0.6), width=round(thick), joint="curve")
    upper = [(x, y - thick * 0.14) for x, y in line]
    pen.line(upper, fill=rgb(bark), width=max(1, round(thick * 0.6)), joint="curve")
    lit = [(x, y - thick * 0.3) for x, y in line]
    pen.line(lit, fill=rgb(bark * 1.35), width=max(1, round(thick * 0.14)), joint="curve")
    for i in rng.integers(1, 23, 4).tolist():  # side twigs
        dx, dy = rng.uniform((20, -90), (90, 70)).tolist()
        pen.line(
            (xs[i], ys[i], xs[i] + dx, ys[i] + dy),
            fill=rgb(bark * 0.7),
            width=max(2, round(thick * 0.25)),
        )
    spots = rng.uniform(0.04, 0.96, 12)
    return [
        Place(float(np.interp(s, t, xs)), float(np.interp(s, t, ys)) - thick * 0.3) for s in spots
    ]
