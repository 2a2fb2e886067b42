"""What is shown or drawn upon has its own pixels, however small the model sees the photo."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_model import write_small_model

from service.uploads import Upload
from service.worker_pool import PictureFormat, count_photo
from sparrow.cli.count_photos import Wanted, count_file
from sparrow.inference.counter import PhotoCounter

SIZE_PX = (4400, 200)  # decoded at an eighth for the model, at a half for the screen


@pytest.fixture
def counter(tmp_path: Path) -> PhotoCounter:
    return PhotoCounter(write_small_model(tmp_path / "model", decoding="scaled"))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path / "wide.jpg"
    pixels = rng.integers(100, 120, (SIZE_PX[1], SIZE_PX[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(
    ("picture", "size_px"), [("jpeg", SIZE_PX), ("png", SIZE_PX), ("view", (1600, 73))]
)
def test_pictures_of_the_service(
    counter: PhotoCounter, photo: Path, picture: PictureFormat, size_px: tuple[int, int]
) -> None:
    upload = Upload(photo.name, photo.read_bytes())
    answer = count_photo(counter, upload, "page", 10_000_000, picture)
    plain = count_photo(counter, upload, "api", 10_000_000, None)
    assert answer.picture is not None
    with Image.open(io.BytesIO(answer.picture)) as shown:
        assert shown.size == size_px
    assert answer.counted.record.boxes == plain.counted.record.boxes
    assert len(plain.counted.record.boxes) == 2
    assert plain.counted.record.width_px == SIZE_PX[0]


def test_drawings_of_the_command_line(counter: PhotoCounter, photo: Path, tmp_path: Path) -> None:
    entry = count_file(counter, photo, Wanted(tmp_path / "drawn", tmp_path))
    with Image.open(entry["annotated"]) as drawn:
        assert drawn.size == SIZE_PX
