"""An AVIF's pixels are known before any is decoded, whatever its container says."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image
from written_photos import saved

from sparrow.avif_size import largest_frame_px
from sparrow.images import ImageError, read_image

OPTIONS: list[dict[str, Any]] = [
    {}, {"subsampling": "4:4:4"}, {"quality": 100}, {"tile_rows": 1, "tile_cols": 1},
]  # fmt: skip


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_every_picture_in_the_file_states_its_size(mode: str) -> None:
    for size in ((64, 48), (1, 1), (333, 217)):
        photo = Image.effect_noise(size, 50).convert(mode)
        for options in OPTIONS:
            content = saved(photo, "AVIF", speed=10, **options)
            assert largest_frame_px(content) == size[0] * size[1]
        frames = saved(photo, "AVIF", speed=10, save_all=True, append_images=[photo, photo])
        assert largest_frame_px(frames) == size[0] * size[1]


def test_a_small_header_around_a_large_picture_is_refused_before_it_is_decoded() -> None:
    content = saved(Image.new("RGB", (400, 300)), "AVIF")
    place = content.index(b"ispe") + 8
    lying = content[:place] + struct.pack(">II", 10, 10) + content[place + 8 :]
    with pytest.raises(ImageError, match=r"data are 120,000 pixels, whatever its header says"):
        read_image(lying, max_pixels=100_000)


def test_what_is_cut_or_random_is_never_taken_for_a_small_one() -> None:
    content = saved(Image.new("RGB", (64, 48)), "AVIF")
    for end in range(0, len(content), 7):
        with pytest.raises(ImageError):
            read_image(content[:end])
    chance = np.random.default_rng(0)
    for _ in range(200):
        changed = bytearray(content)
        for place in chance.integers(12, len(content), 5):
            changed[place] = chance.integers(256)
        try:
            assert read_image(bytes(changed)).shape[2] == 3
        except ImageError:
            continue
