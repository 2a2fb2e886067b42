"""An oversampled canvas, and the sprites made on it.

Shapes are closed splines in units of about one bird length, y downwards. A thing is painted larger
than needed and scaled down, which is what makes its edges smooth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sparrow.data.synthetic.plumage import Colour

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Sprite:
    """A painted thing.

    Attributes:
        rgba: uint8 [height, width, 4], cut to what is visible.
        foot: (x, y) in pixels of the sprite where it touches what is below it.
    """

    rgba: NDArray[np.uint8]
    foot: tuple[float, float]


class Brush:
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
        """A filled closed spline through [N, 2] points in units."""
        self.draw.polygon(self.at(smooth(points)), fill=colour)

    def line(self, points: NDArray[np.floating], colour: Colour, width: float) -> None:
        """A line through [N, 2] points, ``width`` in units."""
        self.draw.line(
            self.at(points), fill=colour, width=max(1, round(width * self.unit)), joint="curve"
        )

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A filled circle, in units."""
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
        edge = smooth(outline)
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
            pen.polygon(local(smooth(points)), fill=colour)
        layer = layer.filter(ImageFilter.BoxBlur(1.6 * softness * self.unit))
        pen = ImageDraw.Draw(layer)
        for points, colour, width in strokes:
            pen.line(local(points), fill=colour, width=max(1, round(width * self.unit)))
        mask = Image.new("L", size, 0)
        ImageDraw.Draw(mask).polygon(local(edge), fill=255)
        self.image.paste(layer, (int(left), int(top)), mask)

    def mirror(self) -> None:
        """Swap left and right, the foot too."""
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


def smooth(points: NDArray[np.floating], per_segment: int = 7) -> NDArray[np.floating]:
    """Closed Catmull-Rom spline through [N, 2] points: [N * per_segment, 2]."""
    n = len(points)
    around = np.concatenate([points[-1:], points, points[:2]])[:, None, :]  # [N + 3, 1, 2]
    p0, p1, p2, p3 = around[:n], around[1 : n + 1], around[2 : n + 2], around[3:]
    t = (np.arange(per_segment) / per_segment)[None, :, None]
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return curve.reshape(-1, 2)


def rotate(points: NDArray[np.floating], degrees: float) -> NDArray[np.floating]:
    """[N, 2] rotated about (0, 0); positive lifts the bill."""
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    return points @ np.array([[cos, -sin], [sin, cos]])


def ring(radius: float) -> NDArray[np.floating]:
    """[8, 2] points of a circle about (0, 0)."""
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
