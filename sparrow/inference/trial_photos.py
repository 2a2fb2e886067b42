"""Photos that every detector must be able to count, made in memory: a model is tried out on them.

What is found in them says nothing about a model; that it answers at all does. They differ in what
photos differ in before a detector sees them: size, shape, colour mode and format.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from sparrow.images import RgbImage, read_image

# name, width and height in pixels, mode, format
KINDS = (
    ("landscape.jpg", 640, 480, "RGB", "JPEG"),
    ("portrait-grey.jpg", 480, 640, "L", "JPEG"),
    ("tiny.png", 16, 12, "RGB", "PNG"),
    ("large.jpg", 2400, 1600, "RGB", "JPEG"),
    ("panorama.jpg", 1500, 300, "RGB", "JPEG"),
    ("transparent.png", 320, 320, "RGBA", "PNG"),
)


@dataclass(frozen=True)
class TrialPhoto:
    """A photo as a file's name and bytes."""

    name: str
    content: bytes

    def pixels(self) -> RgbImage:
        """Decoded by the way that every photo takes: uint8 [height, width, 3]."""
        return read_image(self.content)


@cache
def trial_photos() -> tuple[TrialPhoto, ...]:
    """One photo of each kind; the same in every process."""
    scene = _scene()
    return tuple(
        TrialPhoto(name, _encoded(scene.resize((width_px, height_px)), mode, file_format))
        for name, width_px, height_px, mode, file_format in KINDS
    )


def _scene() -> Image.Image:
    """Dark blobs on a light, uneven ground: something to propose boxes for."""
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(np.linspace(0, 1, 640), np.linspace(0, 1, 480))
    light = 0.6 + 0.3 * x * y
    for cx, cy, radius in rng.uniform((0.1, 0.1, 0.05), (0.9, 0.9, 0.15), (6, 3)):
        light[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] *= 0.4
    noisy = (light + rng.normal(0, 0.02, light.shape)).clip(0, 1)
    return Image.fromarray((noisy * 255).astype(np.uint8))


def _encoded(photo: Image.Image, mode: str, file_format: str) -> bytes:
    stream = io.BytesIO()
    photo.convert(mode).save(stream, file_format)
    return stream.getvalue()
