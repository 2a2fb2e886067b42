"""Clutter on the ground and foliage before the birds; leaves and flowers that scenes use too."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sparrow.data.synthetic.brush import Sprite
from sparrow.data.synthetic.plumage import Colour

Rng = np.random.Generator


def draw_clutter(length_px: float, rng: Rng, on_ground: bool, bare: bool) -> Sprite:
    """A leaf or cone, a flower unless ``bare``; on the ground perhaps a stone or cup."""
    weights = np.array([3, 0 if bare else 2, 1, 3 if on_ground else 0, 2 if on_ground else 0])
    kind = rng.choice(["leaf", "flower", "cone", "stone", "cup"], p=weights / weights.sum())
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


@dataclass(frozen=True)
class Leaves:
    """A kind of foliage: shortest and longest leaf (px), darkest and lightest colour."""

    lengths: tuple[float, float]
    dark: Colour
    light: Colour


def scatter_leaves(
    pen: ImageDraw.ImageDraw, size: tuple[int, int], n: int, leaves: Leaves, rng: Rng
) -> None:
    """Paint ``n`` leaves all over a picture of ``size`` (width, height)."""
    low = (0, 0, leaves.lengths[0], 0, 0)
    high = (*size, leaves.lengths[1], 2 * math.pi, 1)
    for x, y, length, angle, tone in rng.uniform(low, high, (n, 5)).tolist():
        colour = np.array(leaves.dark) * (1 - tone) + np.array(leaves.light) * tone
        _paint_leaf(pen, (x, y), length, angle, colour)


def _paint_leaf(
    pen: ImageDraw.ImageDraw,
    stalk: tuple[float, float],
    length: float,
    angle: float,
    colour: NDArray[np.floating],
) -> None:
    x, y = stalk
    t = np.linspace(0, 1, 9)
    wide = 0.27 * length * np.sin(np.pi * t**0.8)
    along = np.stack([t * length, wide], 1)
    back = np.stack([t[::-1] * length, -wide[::-1]], 1)
    rotation = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    edge = np.concatenate([along, back]) @ rotation + (x, y)
    pen.polygon(list(map(tuple, edge.tolist())), fill=rgb(colour))
    tip = (x + math.cos(angle) * length, y + math.sin(angle) * length)
    pen.line((x, y, *tip), fill=rgb(colour * 0.72), width=2)


def paint_daisy(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, rng: Rng) -> None:
    """A flower of about ``r`` pixels radius, seen at a slant."""
    petal = ((244, 244, 240), (248, 222, 92), (206, 150, 214))[int(rng.integers(3))]
    for angle in np.arange(0, 6.2, 1.05).tolist():
        px, py = x + math.cos(angle) * r, y + math.sin(angle) * r * 0.7
        pen.ellipse((px - r * 0.6, py - r * 0.5, px + r * 0.6, py + r * 0.5), fill=petal)
    pen.ellipse((x - r * 0.5, y - r * 0.4, x + r * 0.5, y + r * 0.4), fill=(226, 174, 48))


def rgb(colour: NDArray[np.floating] | NDArray[np.integer]) -> Colour:
    """[3] as whole numbers of 0..255."""
    r, g, b = (max(0, min(255, int(c))) for c in colour.tolist())
    return r, g, b


def _paint_twig(pen: ImageDraw.ImageDraw, side: int, rng: Rng, bare: bool) -> None:
    thick = max(3, round(side * 0.028))
    bark = np.array([92, 72, 54]) * rng.uniform(0.6, 1.2)
    ys = np.cumsum(rng.normal(0, 0.05, 7)) + 0.5
    line = [(side * i / 6, side * float(y)) for i, y in enumerate(ys)]
    pen.line(line, fill=rgb(bark), width=thick, joint="curve")
    green = np.array(
        [(92, 132, 52), (128, 150, 64), (166, 120, 48), (66, 104, 50)][rng.integers(4)]
    )
    for _ in range(4 if bare else 13):
        x, y = line[int(rng.integers(1, 6))]
        angle = float(rng.uniform(0, 2 * math.pi))
        if bare:
            end = (x + math.cos(angle) * side * 0.22, y + math.sin(angle) * side * 0.22)
            pen.line((x, y, *end), fill=rgb(bark), width=max(2, thick // 2))
        else:
            length = side * float(rng.uniform(0.13, 0.24))
            _paint_leaf(pen, (x, y), length, angle, green * rng.uniform(0.75, 1.2))


def _paint_tuft(pen: ImageDraw.ImageDraw, side: int, rng: Rng) -> None:
    for _ in range(16):
        x, lean = side * float(rng.uniform(0.3, 0.7)), side * float(rng.uniform(-0.3, 0.3))
        tall = side * float(rng.uniform(0.5, 0.98))
        half = side * 0.016
        colour = rgb(np.array([96, 138, 54]) * rng.uniform(0.7, 1.25))
        pen.polygon([(x - half, side), (x + half, side), (x + lean, side - tall)], fill=colour)


def _clutter_leaf(pen: ImageDraw.ImageDraw, side: int, rng: Rng) -> None:
    colour = np.array(
        [(176, 106, 42), (150, 70, 36), (108, 140, 54), (196, 160, 58)][rng.integers(4)]
    )
    stalk = (side * 0.1, side * 0.5)
    _paint_leaf(pen, stalk, side * 0.8, 0.0, colour * rng.uniform(0.8, 1.1))


def _clutter_stone(pen: ImageDraw.ImageDraw, side: int, rng: Rng) -> None:
    angles = np.linspace(0, 2 * math.pi, 11)[:-1]
    radii = rng.uniform(0.32, 0.42, 10) * side
    edge = np.stack([np.cos(angles) * radii, np.sin(angles) * radii * 0.66], 1) + side / 2
    tone = np.array([(136, 130, 124), (150, 124, 98), (110, 112, 118)][rng.integers(3)])
    pen.polygon(list(map(tuple, edge.tolist())), fill=rgb(tone * rng.uniform(0.8, 1.2)))


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
                (x - r, y, x + r, y + r * 1.3), fill=rgb(brown * (0.8 + 0.25 * ((row + i) % 2)))
            )


def _clutter_cup(pen: ImageDraw.ImageDraw, side: int, rng: Rng) -> None:
    colour = np.array(
        [(206, 206, 200), (90, 120, 160), (178, 74, 60), (150, 110, 80)][rng.integers(4)]
    )
    ring = (side * 0.6, side * 0.34, side * 0.9, side * 0.66)
    pen.ellipse(ring, outline=rgb(colour * 0.8), width=max(2, side // 16))
    body = [
        (side * 0.16, side * 0.2),
        (side * 0.74, side * 0.2),
        (side * 0.66, side * 0.86),
        (side * 0.24, side * 0.86),
    ]
    pen.polygon(body, fill=rgb(colour))
    pen.ellipse((side * 0.16, side * 0.12, side * 0.74, side * 0.28), fill=rgb(colour * 0.7))


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
