"""Pictures whose statistics an earlier commit wrote down, made anew from integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pictures() -> dict[str, NDArray[np.uint8]]:
    """By name: of odd sizes, flat, regular, grey, too small, and larger than they are measured."""
    rng = np.random.default_rng(46344)
    rows, columns = np.indices((301, 403))
    waves = (columns**2 // 97 + rows * 3) % 256
    noise = rng.integers(0, 24, (301, 403, 3))
    colours = np.stack([waves, waves // 2 + 60, 255 - waves], -1)
    made = {
        "waves": colours,
        "grained": (colours * 9 + noise * 10) // 10 % 256,
        "grey": np.repeat((waves + noise[..., 0])[..., None] // 2, 3, 2),
        "noise": rng.integers(0, 256, (47, 33, 3)),
        "flat": np.full((96, 128, 3), (200, 13, 77)),
        "board": np.repeat(np.indices((64, 64)).sum(0)[..., None] % 2 * 255, 3, 2),
        "ramp": np.repeat(np.arange(512)[None, :, None] // 2, 300, 0).repeat(3, 2),
        "thin": rng.integers(0, 256, (3, 700, 3)),
        "large": rng.integers(0, 256, (90, 240, 3)).repeat(5, 0).repeat(5, 1),
    }
    return {name: picture.astype(np.uint8) for name, picture in made.items()}
