"""A photo's counts by class: every class of the model, its own interval where there is one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparrow.config import Config
from sparrow.evaluation.counting import CountModel
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import INFO, ModelFolderError
from sparrow.predictions.record import ClassCount

# Every detection is an object with probability 1, and the interval reaches one to each side.
ABOUT = CountModel(0.5, 0.9, "constant", (0.0,), (1.0,), 0.0, 1.0, (1.0, 0.0, 0.0), 1.0, 10)
CLASSES = ("robin", "wren", "tit")
TWO_ROBINS_A_TIT = ((1, 0.9, 4, 4, 24, 24), (3, 0.8, 30, 30, 50, 50), (1, 0.7, 8, 30, 24, 50))

Write = Callable[..., Path]


@pytest.fixture
def png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 128, np.uint8)).save(file, "PNG")
    return file.getvalue()


def counted(folder: Path, photo: bytes) -> tuple[ClassCount, ...]:
    return PhotoCounter(folder).count(photo, "a.png", "api")[0].record.class_counts


def test_a_photo_that_cannot_be_read_has_none(write_small_model: Write, tmp_path: Path) -> None:
    assert counted(write_small_model(tmp_path / "m"), b"") == ()


def test_of_one_class_it_is_the_photos_count(
    write_small_model: Write, png: bytes, tmp_path: Path
) -> None:
    folder = write_small_model(tmp_path / "m", count_model=ABOUT.to_dict())
    record = PhotoCounter(folder).count(png, "a.png", "api")[0].record
    assert record.class_counts == (ClassCount("house_sparrow", 2, 1, 3),)
    assert (record.count, record.count_low, record.count_high) == (2, 1, 3)
    assert "class_count_models" not in json.loads((folder / INFO).read_text())


def test_each_class_has_its_own_interval_or_none(
    write_small_model: Write, png: bytes, tmp_path: Path
) -> None:
    # 3 found of the whole: 2 to 4. Of the robins 2: 1 to 3. The tits have no count model.
    models = {name: ABOUT.to_dict() for name in ("robin", "wren")}
    folder = write_small_model(
        tmp_path / "m",
        TWO_ROBINS_A_TIT,
        CLASSES,
        count_model=ABOUT.to_dict(),
        class_count_models=models,
    )
    assert counted(folder, png) == (
        ClassCount("robin", 2, 1, 3),
        ClassCount("wren", 0, 0, 1),
        ClassCount("tit", 1, None, None),
    )


def test_a_model_of_an_earlier_release_counts_its_boxes(
    write_small_model: Write, png: bytes, tmp_path: Path
) -> None:
    folder = write_small_model(
        tmp_path / "m", TWO_ROBINS_A_TIT, CLASSES, count_model=ABOUT.to_dict()
    )
    assert [(one.count, one.low, one.high) for one in counted(folder, png)] == [
        (2, None, None),
        (0, None, None),
        (1, None, None),
    ]


def test_where_the_engine_finds_no_more_each_class_is_a_minimum(
    write_small_model: Write, png: bytes, tmp_path: Path
) -> None:
    # The engine keeps three of all classes: a fourth that it cut may be of any of them.
    config = Config().of_the_training()
    config["model"]["box_detections_per_image"] = 3
    folder = write_small_model(
        tmp_path / "m",
        TWO_ROBINS_A_TIT,
        CLASSES,
        config=config,
        class_count_models={"robin": ABOUT.to_dict()},
    )
    assert counted(folder, png) == (
        ClassCount("robin", 2, 1, None),
        ClassCount("wren", 0, 0, None),
        ClassCount("tit", 1, 1, None),
    )


def test_one_of_another_class_is_refused(write_small_model: Write, tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "m", TWO_ROBINS_A_TIT, CLASSES)
    info = json.loads((folder / INFO).read_text())
    info["class_count_models"] = {"owl": ABOUT.to_dict()}
    (folder / INFO).write_text(json.dumps(info))
    with pytest.raises(ModelFolderError, match="'owl' is not among the model's classes"):
        PhotoCounter(folder)
