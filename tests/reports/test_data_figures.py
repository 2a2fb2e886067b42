"""Figures are pictures: drawn for any data, the same bytes for the same data."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.tables import Dataset
from sparrow.reports.data_figures import contact_sheet_png, eda_figures, more_figures


def test_figures_of_no_photos_and_of_some(data_config: DataConfig, photos: Any) -> None:
    dataset = check_dataset(photos.write(), data_config).dataset
    empty = Dataset(dataset.root, dataset.images.iloc[:0], dataset.boxes.iloc[:0])
    for data in (empty, dataset):
        figures = eda_figures(data.images, data.boxes)
        assert len(figures) == 4  # the reference's four
        for png in (figures | more_figures(data.images, data.boxes)).values():
            assert Image.open(io.BytesIO(png)).size == (660, 440)  # 6 × 4 inches at 110 dpi
    assert eda_figures(dataset.images, dataset.boxes) == eda_figures(dataset.images, dataset.boxes)


def test_the_contact_sheet_has_a_place_for_each_photo(data_config: DataConfig, photos: Any) -> None:
    dataset = check_dataset(photos.write(), data_config).dataset
    sheet = Image.open(io.BytesIO(contact_sheet_png(dataset)))
    assert sheet.size == (960, 160)  # six photos in a row of six
    empty = Dataset(dataset.root, dataset.images.iloc[:0], dataset.boxes.iloc[:0])
    assert Image.open(io.BytesIO(contact_sheet_png(empty))).size == (960, 160)
