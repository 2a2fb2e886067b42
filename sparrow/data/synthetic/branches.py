"""Scenes of branches: a hedge, and a tree before the sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sparrow.data.synthetic.clutter import Leaves, rgb, scatter_leaves
from sparrow.data.synthetic.places import Place, Rng
from sparrow.data.synthetic.texture import blur, fill, sky_colours


def hedge(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    """Leaves before and behind a few branches."""
    fill(image, (52, 78, 40), (28, 44, 24), rng, 26)
    width, height = image.size
    inner = Leaves((34, 52), (40, 86, 34), (120, 156, 70))
    for radius in (7, 2):
        pen = ImageDraw.Draw(image)
        scatter_leaves(pen, image.size, 130, inner, rng)
        blur(image, radius)
    pen = ImageDraw.Draw(image)
    places = []
    for _ in range(int(rng.integers(3, 6))):
        y = float(rng.uniform(0.25, 0.95)) * height
        places += _paint_branch(pen, (0, y), (width, y + rng.uniform(-0.2, 0.2) * height), 12, rng)
    scatter_leaves(pen, image.size, 70, Leaves((26, 44), (58, 108, 44), (140, 172, 80)), rng)
    return places, False


def branches(image: Image.Image, rng: Rng) -> tuple[list[Place], bool]:
    """Bare or leafy branches before the sky, perhaps with trees far behind."""
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
    leaves = Leaves((20, 40), (70, 110, 44), (150, 170, 74))
    scatter_leaves(pen, image.size, int(rng.integers(0, 40)), leaves, rng)
    return places, False


@dataclass(frozen=True)
class _Branch:
    """The middle line of a branch, 24 points, and its thickness in pixels."""

    xs: NDArray[np.floating]
    ys: NDArray[np.floating]
    thick: float

    def shifted(self, up: float) -> list[tuple[float, float]]:
        """The line, ``up`` times the thickness higher."""
        ys = self.ys - self.thick * up
        return list(zip(self.xs.tolist(), ys.tolist(), strict=True))

    def places(self, n: int, rng: Rng) -> list[Place]:
        """Places along its upper side."""
        t = np.linspace(0, 1, len(self.xs))
        return [
            Place(
                float(np.interp(s, t, self.xs)), float(np.interp(s, t, self.ys)) - self.thick * 0.3
            )
            for s in rng.uniform(0.04, 0.96, n)
        ]


def _paint_branch(
    pen: ImageDraw.ImageDraw,
    start: tuple[float, float],
    end: tuple[float, float],
    thick: float,
    rng: Rng,
) -> list[Place]:
    """A wavy branch from edge to edge, and its places."""
    t = np.linspace(0, 1, 24)
    sway = np.sin(t * float(rng.uniform(3, 9)) + float(rng.uniform(0, 6))) * float(
        rng.uniform(4, 26)
    )
    ys = start[1] + (end[1] - start[1]) * t + sway
    branch = _Branch(start[0] + (end[0] - start[0]) * t, ys, thick)
    bark = np.array([104, 80, 60]) * rng.uniform(0.6, 1.2)
    for up, light, width in ((0, 0.6, 1.0), (0.14, 1.0, 0.6), (0.3, 1.35, 0.14)):
        wide = max(1, round(thick * width))
        pen.line(branch.shifted(up), fill=rgb(bark * light), width=wide, joint="curve")
    _paint_side_twigs(pen, branch, bark, rng)
    return branch.places(12, rng)


def _paint_side_twigs(
    pen: ImageDraw.ImageDraw, branch: _Branch, bark: NDArray[np.floating], rng: Rng
) -> None:
    for i in rng.integers(1, 23, 4).tolist():
        x, y = branch.xs[i], branch.ys[i]
        dx, dy = rng.uniform((20, -90), (90, 70)).tolist()
        width = max(2, round(branch.thick * 0.25))
        pen.line((x, y, x + dx, y + dy), fill=rgb(bark * 0.7), width=width)
