"""Scenes of open ground: lawn, gravel and snow."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from sparrow.data.synthetic.clutter import paint_daisy, rgb
from sparrow.data.synthetic.places import Place, Rng, on_ground
from sparrow.data.synthetic.texture import blur, fill


def lawn(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    """Grass with daisies."""
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
    return on_ground(width, height, 0.18, rng), True


def gravel(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    """Stones, smaller towards the back."""
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
    return on_ground(width, height, 0.15, rng), True


def snow(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    """Snow with dry grass in it."""
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
    return on_ground(width, height, 0.2, rng), True
