"""Skies, noise, blur and grain: what backgrounds are made of. They work on images in place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sparrow.data.synthetic.plumage import Colour

Rng = np.random.Generator
OVERSAMPLING = 2  # backgrounds are painted at this times their size


def fill(image: Image.Image, top: Colour, bottom: Colour, rng: Rng, roughness: float) -> None:
    """A vertical blend of two colours with cloudy noise of several scales over it."""
    size = image.width // OVERSAMPLING, image.height // OVERSAMPLING
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


def blur(image: Image.Image, radius: int) -> None:
    """Gaussian blur in place, done on a reduced copy: as smooth and many times as fast."""
    factor = max(1, radius // 3)
    small = image.reduce(factor).filter(ImageFilter.GaussianBlur(radius / factor))
    image.paste(small.resize(image.size, Image.Resampling.BILINEAR))


def roughen(image: Image.Image, rng: Rng, strength: float) -> None:
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


def sky_colours(rng: Rng) -> tuple[Colour, Colour]:
    """Top and bottom of one of four skies."""
    skies: tuple[tuple[Colour, Colour], ...] = (
        ((126, 172, 222), (200, 222, 240)),
        ((184, 192, 202), (214, 218, 222)),
        ((150, 170, 200), (240, 208, 176)),
        ((104, 150, 206), (168, 202, 232)),
    )
    return skies[int(rng.integers(len(skies)))]
