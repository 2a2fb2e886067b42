"""Photos made small, and pictures as files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sparrow.drawing.pictures import encode_jpeg, encode_png, fit_within, thumbnail

GREY = np.full((200, 300, 3), 128, np.uint8)


@pytest.mark.parametrize(
    ("shape", "side_px", "expected"),
    [
        ((200, 300), 150, (100, 150)), ((300, 200), 150, (150, 100)),
        ((10, 20), 40, (20, 40)),  # a small photo is made larger
        ((1, 900), 90, (1, 90)),  # no side becomes 0
    ],
)  # fmt: skip
def test_the_long_side_is_as_asked(shape, side_px, expected):
    small, scale = fit_within(np.zeros((*shape, 3), np.uint8), side_px)
    assert small.shape == (*expected, 3)
    assert scale == side_px / max(shape)


def test_a_thumbnail_has_its_boxes_at_its_own_scale(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(GREY))
    plain, boxed = thumbnail(path, side_px=150), thumbnail(path, [[100, 40, 200, 160]], 150)
    rows, columns = np.nonzero((plain != boxed).any(axis=2))
    # Half as large as the photo, with a dark edge of one pixel.
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (49, 19, 101, 81)


def test_what_is_no_photo_has_no_thumbnail(tmp_path):
    (tmp_path / "a.jpg").write_text("no photo")
    assert thumbnail(tmp_path / "a.jpg") is None
    assert thumbnail(tmp_path / "missing.jpg") is None
    assert thumbnail(tmp_path) is None


def test_files_hold_the_picture():
    for content, kind in ((encode_png(GREY), "PNG"), (encode_jpeg(GREY), "JPEG")):
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.format == kind
            assert np.array_equal(np.asarray(picture), GREY)
    assert encode_png(GREY) == encode_png(GREY.copy())
