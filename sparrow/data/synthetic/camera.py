"""What a camera does to a painted scene: focus, light, tint, vignette, flakes, blur and noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Rng = np.random.Generator


def softened(background: Image.Image, rng: Rng) -> Image.Image:
    """The background out of focus, as behind most birds."""
    blur = float(rng.choice([0.8, 1.6, 2.6, 3.6]))
    return background.filter(ImageFilter.GaussianBlur(blur)) if blur else background


def photographed(canvas: NDArray[np.float32], season: str, rng: Rng) -> NDArray[np.uint8]:
    """The canvas [height, width, 3] in 0..255 as a photo; changes the canvas."""
    height, width = canvas.shape[:2]
    winter = season == "winter"
    light = float(
        rng.uniform(0.55, 0.85) if winter else rng.choice([1.06, 1.06, rng.uniform(0.6, 1.25)])
    )
    tint = np.array((0.90, 0.98, 1.10) if winter else (1, 1, 1)) * rng.uniform(0.95, 1.05, 3)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    vignette = light * (1 - float(rng.uniform(0, 0.16)) * (x**2 + y**2))
    canvas *= vignette[..., None] * tint.astype(np.float32)
    picture = Image.fromarray(canvas.clip(0, 255).astype(np.uint8))
    if winter and rng.random() < 0.5:
        pen = ImageDraw.Draw(picture)
        flakes = rng.uniform((0, 0, 0.6), (width, height, 2.2), (int(rng.integers(40, 160)), 3))
        for fx, fy, r in flakes.tolist():
            pen.ellipse((fx - r, fy - r, fx + r, fy + r), fill=(232, 236, 244))
    if rng.random() < 0.25:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.5))))
    noise = float(rng.uniform(1, 4.5)) * (1.3 if light < 0.8 else 1.0)
    grain = rng.standard_normal((height, width), dtype=np.float32) * noise
    speckled = np.asarray(picture).astype(np.float32) + grain[..., None]
    return speckled.clip(0, 255).astype(np.uint8)
