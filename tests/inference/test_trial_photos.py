"""The photos that a model is tried out on: real files of every shape, and the same each time."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from sparrow.inference.counter import PhotoCounter
from sparrow.inference.trial_photos import KINDS, trial_photos


def test_they_are_what_they_are_called():
    photos = trial_photos()
    for photo, (name, width_px, height_px, mode, file_format) in zip(photos, KINDS, strict=True):
        with Image.open(io.BytesIO(photo.content)) as image:
            assert (image.size, image.mode) == ((width_px, height_px), mode), name
            assert image.format == file_format
        assert photo.pixels().shape == (height_px, width_px, 3)
    shapes = {photo.name: photo.pixels().shape for photo in photos}
    assert min(min(shape[:2]) for shape in shapes.values()) <= 16
    assert max(shape[0] * shape[1] for shape in shapes.values()) > 3_000_000


def test_they_show_something_and_the_grey_one_is_grey():
    for photo in trial_photos():
        pixels = photo.pixels()
        assert pixels.std() > 10  # blobs on a ground, not one colour
        if "grey" in photo.name:
            assert np.array_equal(pixels[..., 0], pixels[..., 2])


def test_a_network_that_was_exported_counts_them_all(model_folder):
    PhotoCounter(model_folder).try_out()
