"""Places for drawn birds: backgrounds with texture, spots to sit on, clutter and foliage.

Everything is painted at twice its size and scaled down; colours are RGB, lengths pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sparrow.data.drawing import Colour, Sprite

Rng = np.random.Generator
_OVERSAMPLING = 2


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
    image = Image.new("RGB", (width * _OVERSAMPLING, height * _OVERSAMPLING))
    places, casts_shadow = SCENES[kind](image, rng)
    order = rng.permutation(len(places))
    placed = [
        Place(p.x / _OVERSAMPLING, p.y / _OVERSAMPLING, p.nearness, p.air)
        for p in (places[i] for i in order)
    ]
    return Scene(kind, image.reduce(_OVERSAMPLING), placed, casts_shadow)


def draw_clutter(length_px: float, rng: Rng, on_ground: bool, bare: bool) -> Sprite:
    """A leaf or cone, a flower unless ``bare``; on the ground perhaps a stone or cup."""
    shares = np.array([3, 0 if bare else 2, 1, 3 if on_ground else 0, 2 if on_ground else 0])
    kind = rng.choice(["leaf", "flower", "cone", "stone", "cup"], p=shares / shares.sum())
    side = math.ceil(length_px * 3)
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    _CLUTTER[str(kind)](pen, side, rng)
    image = image.rotate(float(rng.uniform(-25, 25)), Image.Resampling.BILINEAR)
    image = _shaded(image).convert("RGBa").reduce(3).convert("RGBA")
    box = image.getchannel("A").getbbox()
    if box is not None:
        image = image.crop(box)
    return Sprite(np.asarray(image), (image.width / 2, image.height * 0.9))


def draw_foliage(length_px: float, rng: Rng, bare: bool, grassy: bool) -> Sprite:
    """A twig, with leaves unless ``bare``, or where it is ``grassy`` perhaps a tuft of grass."""
    side = math.ceil(length_px * 2)
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    if grassy and rng.random() < 0.6:
        _paint_tuft(pen, side, rng)
    else:
        _paint_twig(pen, side, rng, bare)
    image = image.convert("RGBa").reduce(2).convert("RGBA")
    box = image.getchannel("A").getbbox()
    if box is not None:
        image = image.crop(box)
    return Sprite(np.asarray(image), (image.width / 2, image.height / 2))


def _lawn(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    _fill(image, (104, 140, 62), (72, 108, 42), rng, 22)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    n = round(width * height / 620)
    for x, y, lean, tone in rng.uniform((0, 0, -1, 0), (width, height, 1, 1), (n, 4)).tolist():
        tall = (6 + 20 * y / height) * (0.6 + tone)
        colour = (round(66 + 84 * tone), round(106 + 76 * tone), round(34 + 46 * tone))
        pen.line((x, y, x + lean * tall * 0.5, y - tall), fill=colour, width=2)
    for x, y in rng.uniform((0, 0), (width, height), (int(rng.integers(0, 26)), 2)).tolist():
        _paint_daisy(pen, x, y, 3 + 5 * y / height, rng)
    return _ground(width, height, 0.18, rng), True


def _hedge(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    _fill(image, (52, 78, 40), (28, 44, 24), rng, 26)
    width, height = image.size
    for blur in (7, 2):
        pen = ImageDraw.Draw(image)
        _scatter_leaves(pen, width, height, 130, (34, 52), rng, (40, 86, 34), (120, 156, 70))
        _blur(image, blur)
    pen = ImageDraw.Draw(image)
    places = []
    for _ in range(int(rng.integers(3, 6))):
        y = float(rng.uniform(0.25, 0.95)) * height
        places += _paint_branch(pen, (0, y), (width, y + rng.uniform(-0.2, 0.2) * height), 12, rng)
    _scatter_leaves(pen, width, height, 70, (26, 44), rng, (58, 108, 44), (140, 172, 80))
    return places, False


def _bricks(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    base = np.array(
        [(150, 84, 62), (172, 152, 128), (122, 116, 112), (190, 178, 160)][rng.integers(4)]
    )
    _fill(image, (176, 170, 158), (150, 144, 134), rng, 12)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    ledge = height * float(rng.uniform(0.55, 0.85))
    tall, long = int(rng.integers(26, 46)), int(rng.integers(78, 130))
    for row in range(int(height / tall) + 1):
        for column in range(-1, int(width / long) + 1):
            x, y = column * long + (row % 2) * long / 2, row * tall
            r, g, b = (base * rng.uniform(0.8, 1.14)).clip(0, 255).astype(int).tolist()
            pen.rounded_rectangle((x + 2, y + 2, x + long - 3, y + tall - 3), 4, fill=(r, g, b))
    _roughen(image, rng, 14)
    pen = ImageDraw.Draw(image)
    thick = int(rng.integers(24, 44))
    pen.rectangle((0, ledge, width, ledge + thick), fill=(188, 182, 170))
    pen.rectangle((0, ledge + thick, width, ledge + thick + 14), fill=(74, 60, 54))
    places = _along(0, width, lambda x: ledge + 8, 40, rng)
    places += [Place(p.x, p.y, 1.15) for p in _along(0, width, lambda x: height * 0.985, 14, rng)]
    return places, True


def _roof(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    sky = _sky_colours(rng)
    _fill(image, sky[0], sky[1], rng, 6)
    width, height = image.size
    ridge = height * float(rng.uniform(0.2, 0.5))
    base = np.array([(166, 88, 62), (120, 70, 60), (98, 98, 104)][rng.integers(3)])
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, ridge, width, height), fill=_rgb(base * 0.55))
    tile = int(rng.integers(36, 58))
    for row, y in enumerate(np.arange(ridge - tile * 0.4, height, tile * 0.72).tolist()):
        for x in np.arange(-tile + (row % 2) * tile / 2, width, tile).tolist():
            colour = base * rng.uniform(0.8, 1.16)
            pen.rounded_rectangle(
                (x + 1, y, x + tile - 2, y + tile), tile // 3, fill=_rgb(colour * 0.62)
            )
            pen.rounded_rectangle(
                (x + 1, y, x + tile - 4, y + tile - 5), tile // 3, fill=_rgb(colour)
            )
    _roughen(image, rng, 12)
    pen = ImageDraw.Draw(image)
    for x in np.arange(0, width, tile * 1.5).tolist():
        box = (x, ridge - tile * 0.45, x + tile * 1.6, ridge + tile * 0.3)
        pen.rounded_rectangle(box, tile // 4, fill=_rgb(base * rng.uniform(0.85, 1.1)))
    places = _along(0, width, lambda x: ridge - tile * 0.32, 30, rng)
    return places + _ground(width, height, ridge / height + 0.12, rng)[:18], False


def _branches(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    sky = _sky_colours(rng)
    _fill(image, sky[0], sky[1], rng, 8)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    if rng.random() < 0.6:  # trees far behind, out of focus
        for x, y, r in rng.uniform((0, 0.5, 0.1), (1, 1.1, 0.3), (14, 3)).tolist():
            tone = float(rng.uniform(0.7, 1.2))
            box = ((x - r) * width, y * height - r * width, (x + r) * width, y * height + r * width)
            pen.ellipse(box, fill=_rgb(np.array([86, 116, 70]) * tone))
        _blur(image, 24)
        pen = ImageDraw.Draw(image)
    places = [
        Place(x, y, 0.9, air=True)
        for x, y in rng.uniform((0.1, 0.15), (0.9, 0.7), (3, 2)) * (width, height)
    ]
    for _ in range(int(rng.integers(1, 4))):
        left, right = rng.uniform(0.3, 0.95, 2) * height
        thick = float(rng.uniform(9, 26))
        places += _paint_branch(pen, (0, float(left)), (width, float(right)), thick, rng)
    _scatter_leaves(
        pen, width, height, int(rng.integers(0, 40)), (20, 40), rng, (70, 110, 44), (150, 170, 74)
    )
    return places, False


def _feeder(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    _fill(image, (128, 158, 106), (70, 104, 58), rng, 34)
    _blur(image, 12)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    middle, top = width * float(rng.uniform(0.35, 0.65)), height * float(rng.uniform(0.16, 0.3))
    half, floor = width * float(rng.uniform(0.3, 0.42)), height * float(rng.uniform(0.66, 0.82))
    wood = np.array([(150, 108, 66), (112, 82, 58), (168, 138, 100)][rng.integers(3)])
    pen.rectangle((middle - 12, floor, middle + 12, height), fill=_rgb(wood * 0.62))
    for x in (middle - half * 0.8, middle + half * 0.8):
        pen.rectangle((x - 7, top, x + 7, floor), fill=_rgb(wood * 0.8))
    peak = [
        (middle, top - height * 0.16),
        (middle + half * 1.12, top + 16),
        (middle - half * 1.12, top + 16),
    ]
    pen.polygon(peak, fill=_rgb(wood * 0.92))
    pen.line([peak[2], peak[1]], fill=_rgb(wood * 0.55), width=8)
    pen.rectangle((middle - half, floor - 10, middle + half, floor + 24), fill=_rgb(wood))
    pen.line((middle - half, floor + 24, middle + half, floor + 24), fill=_rgb(wood * 0.5), width=5)
    for x in rng.uniform(middle - half, middle + half, 150).tolist():
        y = floor - 10 - float(rng.uniform(0, 9))
        pen.ellipse(
            (x - 4, y - 3, x + 4, y + 3),
            fill=_rgb(np.array([196, 164, 104]) * rng.uniform(0.6, 1.15)),
        )
    _roughen(image, rng, 8)
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
    _fill(image, _rgb(tone * 1.05), _rgb(tone * 0.85), rng, 16)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    n = round(width * height / 420)
    ys = np.sort(rng.uniform(0, height, n))
    stones = np.stack(
        [rng.uniform(0, width, n), ys, rng.uniform(0.5, 1.2, n), rng.uniform(0.68, 1.2, n)], 1
    )
    for x, y, size, light in stones.tolist():
        r = (3.5 + 8 * y / height) * size
        pen.ellipse((x - r, y - r * 0.55, x + r, y + r * 0.7), fill=_rgb(tone * light * 0.62))
        pen.ellipse((x - r, y - r * 0.65, x + r * 0.9, y + r * 0.5), fill=_rgb(tone * light))
    return _ground(width, height, 0.15, rng), True


def _snow(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    _fill(image, (206, 214, 226), (236, 240, 246), rng, 10)
    width, height = image.size
    pen = ImageDraw.Draw(image)
    for y in np.sort(rng.uniform(0.1, 1.0, 9)).tolist():
        x, r = float(rng.uniform(0, width)), float(rng.uniform(0.2, 0.5)) * width
        pen.ellipse(
            (x - r, y * height, x + r, y * height + 0.3 * r),
            fill=_rgb(np.array([226, 232, 242]) * rng.uniform(0.93, 1.05)),
        )
    _blur(image, 14)
    pen = ImageDraw.Draw(image)
    for x, y in rng.uniform((0, 0.15), (1, 1), (int(rng.integers(6, 26)), 2)).tolist():
        tall = 18 + 40 * y
        for lean in rng.uniform(-0.6, 0.6, 4).tolist():  # dry grass that pokes through
            tip = (x * width + lean * tall, y * height - tall)
            pen.line(
                (x * width, y * height, *tip),
                fill=_rgb(np.array([150, 128, 92]) * rng.uniform(0.7, 1.1)),
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


def _fill(image: Image.Image, top: Colour, bottom: Colour, rng: Rng, roughness: float) -> None:
    """A vertical blend of two colours with cloudy noise of several scales over it."""
    size = image.width // _OVERSAMPLING, image.height // _OVERSAMPLING
    clouds = (
        0.5 * _clouds(5, size, rng) + 0.3 * _clouds(18, size, rng) + 0.3 * _clouds(90, size, rng)
    )
    blend = np.linspace(0, 1, size[1], dtype=np.float32)[:, None, None]
    dark, light = np.array(bottom, dtype=np.float32), np.array(top, dtype=np.float32)
    canvas = light * (1 - blend) + dark * blend + roughness * clouds[..., None]  # [H, W, 3]
    picture = Image.fromarray(canvas.clip(0, 255).astype(np.uint8))
    image.paste(picture.resize(image.size, Image.Resampling.NEAREST))


def _clouds(across: int, size: tuple[int, int], rng: Rng) -> NDArray[np.float32]:
    """Smooth noise of about unit strength, ``across`` patches wide: [height, width]."""
    width, height = size
    noise = rng.standard_normal((across * height // width + 2, across), dtype=np.float32)
    # A quarter of the size is enough for what is coarse, and sixteen times as fast.
    small = Image.fromarray(noise).resize((width // 4, height // 4), Image.Resampling.BICUBIC)
    return np.asarray(small.resize(size, Image.Resampling.BILINEAR))


def _blur(image: Image.Image, radius: int) -> None:
    """Gaussian blur in place, done on a reduced copy: as smooth and many times as fast."""
    factor = max(1, radius // 3)
    small = image.reduce(factor).filter(ImageFilter.GaussianBlur(radius / factor))
    image.paste(small.resize(image.size, Image.Resampling.BILINEAR))


def _roughen(image: Image.Image, rng: Rng, strength: float) -> None:
    """Grain of a few pixels, as on stone and wood."""
    width, height = image.size
    grain = rng.standard_normal((height // 4, width // 4), dtype=np.float32) * strength + 128
    layer = Image.fromarray(grain.clip(0, 255).astype(np.uint8)).resize(
        image.size, Image.Resampling.BILINEAR
    )
    canvas = (
        np.asarray(image).astype(np.int16) + (np.asarray(layer).astype(np.int16) - 128)[..., None]
    )
    image.paste(Image.fromarray(canvas.clip(0, 255).astype(np.uint8)))


def _sky_colours(rng: Rng) -> tuple[Colour, Colour]:
    skies: tuple[tuple[Colour, Colour], ...] = (
        ((126, 172, 222), (200, 222, 240)),
        ((184, 192, 202), (214, 218, 222)),
        ((150, 170, 200), (240, 208, 176)),
        ((104, 150, 206), (168, 202, 232)),
    )
    return skies[int(rng.integers(len(skies)))]


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
    pen.line(line, fill=_rgb(bark * 0.6), width=round(thick), joint="curve")
    upper = [(x, y - thick * 0.14) for x, y in line]
    pen.line(upper, fill=_rgb(bark), width=max(1, round(thick * 0.6)), joint="curve")
    lit = [(x, y - thick * 0.3) for x, y in line]
    pen.line(lit, fill=_rgb(bark * 1.35), width=max(1, round(thick * 0.14)), joint="curve")
    for i in rng.integers(1, 23, 4).tolist():  # side twigs
        dx, dy = rng.uniform((20, -90), (90, 70)).tolist()
        pen.line(
            (xs[i], ys[i], xs[i] + dx, ys[i] + dy),
            fill=_rgb(bark * 0.7),
            width=max(2, round(thick * 0.25)),
        )
    spots = rng.uniform(0.04, 0.96, 12)
    return [
        Place(float(np.interp(s, t, xs)), float(np.interp(s, t, ys)) - thick * 0.3) for s in spots
    ]


def _scatter_leaves(
    pen: ImageDraw.ImageDraw,
    width: int,
    height: int,
    n: int,
    lengths: tuple[float, float],
    rng: Rng,
    dark: Colour,
    light: Colour,
) -> None:
    low = (0, 0, lengths[0], 0, 0)
    for x, y, length, angle, tone in rng.uniform(
        low, (width, height, lengths[1], 2 * math.pi, 1), (n, 5)
    ).tolist():
        colour = np.array(dark) * (1 - tone) + np.array(light) * tone
        _paint_leaf(pen, x, y, length, angle, colour)


def _paint_leaf(
    pen: ImageDraw.ImageDraw,
    x: float,
    y: float,
    length: float,
    angle: float,
    colour: NDArray[np.floating],
) -> None:
    t = np.linspace(0, 1, 9)
    wide = 0.27 * length * np.sin(np.pi * t**0.8)
    along = np.stack([t * length, wide], 1)
    back = np.stack([t[::-1] * length, -wide[::-1]], 1)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    edge = np.concatenate([along, back]) @ turn + (x, y)
    pen.polygon(list(map(tuple, edge.tolist())), fill=_rgb(colour))
    tip = (x + math.cos(angle) * length, y + math.sin(angle) * length)
    pen.line((x, y, *tip), fill=_rgb(colour * 0.72), width=2)


def _paint_daisy(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, rng: Rng) -> None:
    petal = ((244, 244, 240), (248, 222, 92), (206, 150, 214))[int(rng.integers(3))]
    for angle in np.arange(0, 6.2, 1.05).tolist():
        px, py = x + math.cos(angle) * r, y + math.sin(angle) * r * 0.7
        pen.ellipse((px - r * 0.6, py - r * 0.5, px + r * 0.6, py + r * 0.5), fill=petal)
    pen.ellipse((x - r * 0.5, y - r * 0.4, x + r * 0.5, y + r * 0.4), fill=(226, 174, 48))


def _paint_twig(pen: ImageDraw.ImageDraw, side: int, rng: Rng, bare: bool) -> None:
    thick = max(3, round(side * 0.028))
    bark = np.array([92, 72, 54]) * rng.uniform(0.6, 1.2)
    ys = np.cumsum(rng.normal(0, 0.05, 7)) + 0.5
    line = [(side * i / 6, side * float(y)) for i, y in enumerate(ys)]
    pen.line(line, fill=_rgb(bark), width=thick, joint="curve")
    green = np.array(
        [(92, 132, 52), (128, 150, 64), (166, 120, 48), (66, 104, 50)][rng.integers(4)]
    )
    for _ in range(4 if bare else 13):
        x, y = line[int(rng.integers(1, 6))]
        angle = float(rng.uniform(0, 2 * math.pi))
        if bare:
            end = (x + math.cos(angle) * side * 0.22, y + math.sin(angle) * side * 0.22)
            pen.line((x, y, *end), fill=_rgb(bark), width=max(2, thick // 2))
        else:
            length = side * float(rng.uniform(0.13, 0.24))
            _paint_leaf(pen, x, y, length, angle, green * rng.uniform(0.75, 1.2))


def _paint_tuft(pen: ImageDraw.ImageDraw, side: int, rng: Rng) -> None:
    for _ in range(16):
        x, lean = side * float(rng.uniform(0.3, 0.7)), side * float(rng.uniform(-0.3, 0.3))
        tall = side * float(rng.uniform(0.5, 0.98))
        half = side * 0.016
        colour = _rgb(np.array([96, 138, 54]) * rng.uniform(0.7, 1.25))
        pen.polygon([(x - half, side), (x + half, side), (x + lean, side - tall)], fill=colour)


def _clutter_leaf(pen: ImageDraw.ImageDraw, side: int, rng: Rng) -> None:
    colour = np.array(
        [(176, 106, 42), (150, 70, 36), (108, 140, 54), (196, 160, 58)][rng.integers(4)]
    )
    _paint_leaf(pen, side * 0.1, side * 0.5, side * 0.8, 0.0, colour * rng.uniform(0.8, 1.1))


def _clutter_stone(pen: ImageDraw.ImageDraw, side: int, rng: Rng) -> None:
    angles = np.linspace(0, 2 * math.pi, 11)[:-1]
    radii = rng.uniform(0.32, 0.42, 10) * side
    edge = np.stack([np.cos(angles) * radii, np.sin(angles) * radii * 0.66], 1) + side / 2
    tone = np.array([(136, 130, 124), (150, 124, 98), (110, 112, 118)][rng.integers(3)])
    pen.polygon(list(map(tuple, edge.tolist())), fill=_rgb(tone * rng.uniform(0.8, 1.2)))


def _clutter_flower(pen: ImageDraw.ImageDraw, side: int, rng: Rng) -> None:
    pen.line(
        (side * 0.5, side * 0.4, side * 0.47, side), fill=(84, 122, 52), width=max(2, side // 24)
    )
    colour = ((206, 62, 70), (236, 190, 64), (168, 104, 190), (240, 238, 232))[int(rng.integers(4))]
    r = side * 0.15
    for angle in np.arange(0, 6.2, 1.26).tolist():
        x, y = side * 0.5 + math.cos(angle) * r * 1.25, side * 0.36 + math.sin(angle) * r * 1.25
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    pen.ellipse((side * 0.42, side * 0.28, side * 0.58, side * 0.44), fill=(224, 168, 52))


def _clutter_cone(pen: ImageDraw.ImageDraw, side: int, rng: Rng) -> None:
    brown = np.array([122, 84, 54]) * rng.uniform(0.75, 1.15)
    for row in range(7):
        y = side * (0.15 + 0.1 * row)
        half = side * 0.26 * math.sin(math.pi * (row + 1.2) / 8.6)
        for i in range(-1, 2):
            x, r = side * 0.5 + i * half * 0.8, half * 0.6
            pen.ellipse(
                (x - r, y, x + r, y + r * 1.3), fill=_rgb(brown * (0.8 + 0.25 * ((row + i) % 2)))
            )


def _clutter_cup(pen: ImageDraw.ImageDraw, side: int, rng: Rng) -> None:
    colour = np.array(
        [(206, 206, 200), (90, 120, 160), (178, 74, 60), (150, 110, 80)][rng.integers(4)]
    )
    ring = (side * 0.6, side * 0.34, side * 0.9, side * 0.66)
    pen.ellipse(ring, outline=_rgb(colour * 0.8), width=max(2, side // 16))
    body = [
        (side * 0.16, side * 0.2),
        (side * 0.74, side * 0.2),
        (side * 0.66, side * 0.86),
        (side * 0.24, side * 0.86),
    ]
    pen.polygon(body, fill=_rgb(colour))
    pen.ellipse((side * 0.16, side * 0.12, side * 0.74, side * 0.28), fill=_rgb(colour * 0.7))


_CLUTTER = {
    "leaf": _clutter_leaf,
    "stone": _clutter_stone,
    "flower": _clutter_flower,
    "cone": _clutter_cone,
    "cup": _clutter_cup,
}


def _shaded(image: Image.Image) -> Image.Image:
    """Lighter on top, darker below."""
    pixels = np.asarray(image).astype(np.float32)
    pixels[..., :3] *= np.linspace(1.15, 0.72, image.height, dtype=np.float32)[:, None, None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _rgb(colour: NDArray[np.floating] | NDArray[np.integer]) -> Colour:
    r, g, b = (max(0, min(255, int(c))) for c in colour.tolist())
    return r, g, b
