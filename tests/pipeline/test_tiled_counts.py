"""The interval of counts in tiles: fitted on photos seen in the same tiles, or not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_model import write_small_model

from sparrow.config import Config, with_values
from sparrow.data.tables import XYXY, Dataset
from sparrow.inference.counter import CountedPhoto, PhotoCounter
from sparrow.inference.model_folder import ModelInfo, read_info, write_info
from sparrow.inference.tile_choice import TileChoice
from sparrow.pipeline.tiled_counts import with_tiled_count

AUTO = with_values(
    Config(), {"evaluation.tiles": "auto", "data.classes": ["robin", "wren"], "service.threads": 1}
)
WIDTH_PX, HEIGHT_PX = 320, 240


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Finds a robin and a wren in whatever it is shown; objects from 16 px of its input on."""
    both = ((1, 0.9, 4, 4, 24, 24), (2, 0.8, 30, 30, 50, 50))
    values = {"min_side_px": 64, "max_side_px": 128, "architecture": "fcos_resnet50_fpn"}
    anchors = {"model": {"anchor_sizes_px": [8]}}
    return write_small_model(tmp_path / "model", both, ("robin", "wren"), config=anchors, **values)


@pytest.fixture
def make_photos(tmp_path: Path) -> Callable[..., Dataset]:
    """Photos of a camera each, so many large and so many small, with one robin in each."""

    def make(large: int, small: int = 0, author: str | None = None) -> Dataset:
        (tmp_path / "images").mkdir()
        names = [f"{i:02}.png" for i in range(large + small)]
        images = pd.DataFrame({"image": names})
        images["group"] = author or images["image"]
        images["width_px"] = [WIDTH_PX] * large + [100] * small
        images["height_px"] = [HEIGHT_PX] * large + [60] * small
        for name, width, height in images[["image", "width_px", "height_px"]].itertuples(
            index=False
        ):
            pixels = np.full((height, width, 3), 128, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name)
        rows = [(name, "robin", 4.0, 4.0, 24.0, 24.0) for name in names]
        return Dataset(tmp_path, images, pd.DataFrame(rows, columns=["image", "label", *XYXY]))

    return make


def fitted(folder: Path, photos: Dataset, config: Config = AUTO) -> ModelInfo:
    return with_tiled_count(config, read_info(folder), folder, photos)


def counted(folder: Path, photos: Dataset, choice: TileChoice) -> CountedPhoto:
    content = photos.image_path(photos.images["image"][0]).read_bytes()
    return PhotoCounter(folder).count(content, "a.png", "cli", tiles=choice)[0]


def test_a_count_has_an_interval_in_the_tiles_that_it_was_fitted_for_and_in_no_others(
    folder: Path, make_photos: Callable[..., Dataset]
) -> None:
    photos = make_photos(12, small=3)
    info = fitted(folder, photos)
    assert info.tiled_count is not None
    assert info.tiled_count.count_model["photos"] == 12  # the small ones get no tiles
    # All photos show a robin; that a wren is nowhere is too little to know of wrens.
    assert list(info.tiled_count.class_count_models or ()) == ["robin"]
    write_info(folder, info)

    record = counted(folder, photos, TileChoice("auto")).record
    assert record.tiles > 2
    # The truth is 1 in each photo alike, which the fit has learnt, and the boxes are many more.
    assert (record.count_low, record.count_high) == (1, record.count)
    robin, wren = record.class_counts
    assert robin.low is not None
    assert (wren.low, wren.high) == (None, None)
    for other in (TileChoice(10), TileChoice("auto", most=2)):
        record = counted(folder, photos, other).record
        assert record.tiles > 0
        assert (record.count_low, record.count_high) == (None, None)
    whole = counted(folder, photos, TileChoice())
    assert (whole.record.tiles, whole.record.count_low) == (0, None)  # it has none for whole photos


def test_too_few_large_photos_or_cameras_give_no_interval(
    folder: Path, make_photos: Callable[..., Dataset]
) -> None:
    photos = make_photos(12, small=9)
    few = Dataset(photos.root, photos.images[4:].reset_index(drop=True), photos.boxes)
    assert fitted(folder, few).tiled_count is None  # 8 large ones; 9 are the least at 90 %
    one = Dataset(photos.root, photos.images.assign(group="camera"), photos.boxes)
    assert fitted(folder, one).tiled_count is None
    nothing = Dataset(photos.root, photos.images[:0], photos.boxes[:0])
    assert fitted(folder, nothing).tiled_count is None
