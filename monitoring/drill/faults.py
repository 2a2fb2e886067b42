"""For tests and benchmarks only: what goes wrong with photos on their way to a model.

A fault has a strength. It takes an upright photo (uint8 [height, width, 3]) and gives the bytes of
the file that arrives. The same photo, strength and seed give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from sparrow.images import RgbImage

QUALITY = 88  # of a JPEG that nothing is wrong with
ORIENTATION = 0x0112  # EXIF
TURNED = 6  # its value for "turn a quarter right to see me upright"

Rng = np.random.Generator
Change = Callable[[RgbImage, float, Rng], bytes]


@dataclass(frozen=True)
class Fault:
    """A fault at one strength.

    Attributes:
        name: in the table.
        strength: what ``change`` gets; its meaning is in ``unit``.
        unit: what the strength is, in words.
        change: photo, strength and random numbers -> the file that arrives.
        heavy: so strong that a monitor must notice it soon.
    """

    name: str
    strength: float
    unit: str
    change: Change
    heavy: bool = False

    @property
    def key(self) -> str:
        """A name for files and logs."""
        return f"{self.name.replace(' ', '-')}-{self.strength:g}"

    def apply(self, photo: RgbImage, seed: int) -> bytes:
        """The file that arrives."""
        return self.change(photo, self.strength, np.random.default_rng(seed))


def as_jpeg(photo: RgbImage | Image.Image, quality: int = QUALITY, exif: bytes = b"") -> bytes:
    """A photo as a JPEG file."""
    stream = io.BytesIO()
    picture = photo if isinstance(photo, Image.Image) else Image.fromarray(photo)
    picture.save(stream, "JPEG", quality=quality, exif=exif)
    return stream.getvalue()


def night(photo: RgbImage, light: float, rng: Rng) -> bytes:
    """A fraction of the light is left; the sensor's noise is what it was (6 of 255)."""
    dark = photo.astype(np.float32) * light * np.array([0.9, 0.95, 1.1], np.float32)
    dark += rng.standard_normal(photo.shape, np.float32) * 6
    return as_jpeg(dark.clip(0, 255).astype(np.uint8))


def blur(photo: RgbImage, radius_fraction: float, rng: Rng) -> bytes:
    """Out of focus: a Gaussian whose radius is a fraction of the short side."""
    radius = radius_fraction * min(photo.shape[:2])
    return as_jpeg(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(radius)))


def rain(photo: RgbImage, drops: float, rng: Rng) -> bytes:
    """So many streaks per 10,000 pixels, over a photo that is greyer for it."""
    picture = ImageEnhance.Contrast(Image.fromarray(photo)).enhance(0.85)
    height, width = photo.shape[:2]
    layer = Image.new("L", picture.size, 0)
    pen = ImageDraw.Draw(layer)
    for x, y in rng.uniform((0, 0), (width, height), (int(drops * width * height / 1e4), 2)):
        long = float(rng.uniform(0.03, 0.07)) * height
        pen.line((x, y, x - 0.25 * long, y + long), fill=int(rng.integers(90, 170)), width=1)
    return as_jpeg(Image.composite(Image.new("RGB", picture.size, (215, 220, 228)), picture, layer))


def turned(photo: RgbImage, tag: float, rng: Rng) -> bytes:
    """Stored on its side; ``tag`` 1: with the EXIF orientation that says so, 0: without."""
    sideways = Image.fromarray(photo).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    if tag:
        exif[ORIENTATION] = TURNED
    return as_jpeg(sideways, exif=exif.tobytes())


def compressed(photo: RgbImage, quality: float, rng: Rng) -> bytes:
    """JPEG of a low quality (Pillow's scale, 1 to 95)."""
    return as_jpeg(photo, quality=round(quality))


def downscaled(photo: RgbImage, fraction: float, rng: Rng) -> bytes:
    """Both sides are a fraction of what they were."""
    size = [max(8, round(side * fraction)) for side in (photo.shape[1], photo.shape[0])]
    return as_jpeg(Image.fromarray(photo).resize(size, Image.Resampling.BOX))


def new_camera(photo: RgbImage, strength: float, rng: Rng) -> bytes:
    """Another make: wider frame, punchier colours, a warm cast, sharpened; 1 is a marked change."""
    picture = Image.fromarray(photo)
    frame = round(picture.height * (1 - 0.2 * strength))
    top = (picture.height - frame) // 2
    picture = picture.crop((0, top, picture.width, top + frame))
    picture = ImageEnhance.Color(picture).enhance(1 + 0.5 * strength)
    picture = ImageEnhance.Contrast(picture).enhance(1 + 0.2 * strength)
    picture = ImageEnhance.Sharpness(picture).enhance(1 + 1.5 * strength)
    cast = 1 + strength * np.array([0.08, 0.0, -0.08], np.float32)
    return as_jpeg((np.asarray(picture) * cast).clip(0, 255).astype(np.uint8))


FAULTS = (
    Fault("night", 0.5, "fraction of the light left", night),
    Fault("night", 0.2, "fraction of the light left", night, heavy=True),
    Fault("blur", 0.005, "radius, fraction of the short side", blur),
    Fault("blur", 0.02, "radius, fraction of the short side", blur, heavy=True),
    Fault("rain", 40, "streaks per 10,000 pixels", rain),
    Fault("turned with its tag", 1, "EXIF orientation kept: no fault to the model", turned),
    Fault("turned without its tag", 0, "EXIF orientation lost", turned),
    Fault("jpeg", 8, "quality", compressed),
    Fault("downscaled", 0.25, "of both sides", downscaled),
    Fault("new camera", 1, "of a marked change", new_camera),
)
