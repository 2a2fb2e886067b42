from __future__ import annotations

import numpy as np
import pytest

from monitoring.drill.faults import FAULTS, Fault, as_jpeg, blur, downscaled, night, turned
from sparrow.data.synthetic.composition import draw_photo
from sparrow.image_statistics import image_statistics
from sparrow.images import RgbImage, read_image


@pytest.fixture(scope="module")
def photo() -> RgbImage:
    return draw_photo(seed=3, index=1).pixels


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.key)
def test_every_fault_gives_the_same_readable_file_again(fault: Fault, photo: RgbImage) -> None:
    content = fault.apply(photo, seed=5)
    assert content == fault.apply(photo, seed=5)
    assert content != as_jpeg(photo)
    assert read_image(content).ndim == 3


def test_keys_are_distinct() -> None:
    assert len({fault.key for fault in FAULTS}) == len(FAULTS)


def test_strength_means_what_it_says(photo: RgbImage) -> None:
    rng = np.random.default_rng(0)
    brightness, _, sharpness, _ = image_statistics(photo)
    dark = image_statistics(read_image(night(photo, 0.2, rng)))[0]
    assert dark == pytest.approx(0.2 * brightness, rel=0.15)
    assert image_statistics(read_image(blur(photo, 0.02, rng)))[2] < 0.3 * sharpness
    height, width = photo.shape[:2]
    small = read_image(downscaled(photo, 0.5, rng))
    assert small.shape[:2] == (round(height / 2), round(width / 2))


def test_turned_with_its_tag_comes_out_upright_and_without_it_on_its_side(photo: RgbImage) -> None:
    rng = np.random.default_rng(0)
    upright = read_image(turned(photo, 1, rng)).astype(int)
    assert upright.shape == photo.shape
    assert abs(upright - photo).mean() < 6  # JPEG, nothing else
    lying = read_image(turned(photo, 0, rng))
    assert lying.shape[:2] == photo.shape[1::-1]
