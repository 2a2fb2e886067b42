"""Scenes of buildings: a brick wall with a ledge, and a tiled roof."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from sparrow.data.synthetic.clutter import rgb
from sparrow.data.synthetic.places import Place, Rng, along, on_ground
from sparrow.data.synthetic.texture import fill, roughen, sky_colours


def bricks(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    """A brick wall with a ledge."""
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
    places = along(0, width, lambda x: ledge + 8, 40, rng)
    places += [Place(p.x, p.y, 1.15) for p in along(0, width, lambda x: height * 0.985, 14, rng)]
    return places, True


def roof(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    """A tiled roof below the sky."""
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
    places = along(0, width, lambda x: ridge - tile * 0.32, 30, rng)
    return places + on_ground(width, height, ridge / height + 0.12, rng)[:18], False
