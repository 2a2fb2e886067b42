"""The contact sheet of training photos."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from sparrow.reports import evaluation_pictures as pictures


def test_photos_of_all_shapes_on_one_sheet():
    none = np.zeros((0, 4))
    samples = [(np.full((40, 80, 3), 90, np.uint8), np.array([[10, 10, 30, 30]])),
               (np.full((80, 40, 3), 90, np.uint8), none),
               (np.full((20, 20, 3), 90, np.uint8), none)]  # fmt: skip
    sheet = np.asarray(Image.open(io.BytesIO(pictures.training_picture(samples, columns=2))))
    # Cells of 80 px and gaps of 2: 2 + 82 + 82 wide; rows of 80 and 20: 2 + 82 + 22 high.
    assert sheet.shape == (106, 166, 3)
    assert (sheet[2 + 30, 2 + 60] == 90).all()  # the first photo is where it belongs
    assert not (sheet[2 + 10, 2 + 20] == 90).all()  # a box's line
    assert (sheet[50, 10] == 255).all()  # below it, nothing


def test_no_photos():
    assert Image.open(io.BytesIO(pictures.training_picture([]))).size[0] > 0
