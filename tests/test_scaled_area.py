"""A JPEG that was decoded smaller shows what the whole photo shows, where it shows it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sparrow.image_statistics import image_statistics, reduced
from sparrow.images import decode_photo, read_image
from sparrow.photo_scale import resize_to_fit

SIDES_PX = (100, 150)
ORIENTATION = 0x0112
SIZE_PX = (2053, 1031)  # a quarter is 514 by 258: libjpeg fills up 3 columns and 1 row


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    """Coarse noise, of which every part is unlike every other, under fine noise."""
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 48, 3), np.uint8))
    fine = rng.integers(-20, 21, (SIZE_PX[1], SIZE_PX[0], 1))
    pixels = np.asarray(coarse.resize(SIZE_PX, Image.Resampling.BICUBIC)).astype(int) + fine
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_smaller_photo_shows_the_same_at_the_same_place(
    scene: Image.Image, orientation: int
) -> None:
    exif, stream = Image.Exif(), io.BytesIO()
    exif[ORIENTATION] = orientation
    scene.save(stream, "JPEG", quality=92, exif=exif)
    photo, full = decode_photo(stream.getvalue(), sides_px=SIDES_PX), read_image(stream.getvalue())
    assert not photo.is_full
    assert photo.size_px == full.shape[1::-1]
    seen = resize_to_fit(photo.pixels, *SIDES_PX, photo.area).astype(int)
    expected = resize_to_fit(full, *SIDES_PX).astype(int)
    assert seen.shape == expected.shape
    # 0.2 to 0.3 grey levels; 2.8 with what libjpeg filled up, 5.4 with it on the wrong side.
    assert np.abs(seen - expected).mean() < 1
    assert np.abs(seen - expected)[[0, -1]].mean() < 1.5
    assert np.abs(seen - expected)[:, [0, -1]].mean() < 1.5
    # To resample it onto whole pixels would blur it.
    sharpness = [image_statistics(reduced(pixels))[2] for pixels in (photo.pixels, full)]
    assert sharpness[0] == pytest.approx(sharpness[1], rel=0.03)
