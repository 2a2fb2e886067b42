"""A small valid set of photos that the tests of the data room break in one place each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sparrow.config import DataConfig

WIDTH_PX, HEIGHT_PX = 64, 48
SPARROW = "house_sparrow"


class PhotoSet:
    """Photos and the reference's two tables; ``write`` puts them on disk in the CSV contract."""

    def __init__(self, root: Path, photos: int, first: int = 0, prefix: str = "") -> None:
        self.root, self.prefix = root, prefix
        names = [f"photo{i:03d}.png" for i in range(first, first + photos)]
        counts = [i % 3 for i in range(first, first + photos)]  # 0, 1, 2, 0, …: negatives too
        self.pictures = {name: picture(i + first) for i, name in enumerate(names)}
        self.info = pd.DataFrame(
            {
                "Name": names,
                "Author": [f"author {(first + i) // 2}" for i in range(photos)],
                "Number_HSparrows": counts,
                "Source": "Flickr",
                "License": "CC0",
            }
        )
        self.boxes = pd.DataFrame(
            [
                (SPARROW, 5 + 25 * k, 10, 20, 15, name, WIDTH_PX, HEIGHT_PX)
                for name, count in zip(names, counts, strict=True)
                for k in range(count)
            ],
            columns=[
                "label_name",
                "bbox_x",
                "bbox_y",
                "bbox_width",
                "bbox_height",
                "image_name",
                "image_width",
                "image_height",
            ],
        )

    @property
    def info_path(self) -> Path:
        return self.root / f"{self.prefix}image_info.csv"

    @property
    def boxes_path(self) -> Path:
        return self.root / "bboxes" / f"{self.prefix}bounding_boxes.csv"

    def rename(self, old: str, new: str) -> None:
        self.pictures = {new if n == old else n: p for n, p in self.pictures.items()}
        self.info["Name"] = self.info["Name"].replace(old, new)
        self.boxes["image_name"] = self.boxes["image_name"].replace(old, new)

    def write(self) -> Path:
        (self.root / "images").mkdir(parents=True, exist_ok=True)
        self.boxes_path.parent.mkdir(exist_ok=True)
        for name, pixels in self.pictures.items():
            Image.fromarray(pixels).save(self.root / "images" / name)
        self.info.to_csv(self.info_path, index=False)
        self.boxes.to_csv(self.boxes_path, index=False)
        return self.root


def picture(seed: int) -> np.ndarray:
    """A picture of large random patches: unlike any other by both hashes."""
    rng = np.random.default_rng([seed, 7])
    patches = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(patches).resize((WIDTH_PX, HEIGHT_PX), Image.BICUBIC))


@pytest.fixture
def data_config(tmp_path: Path) -> DataConfig:
    """Everything below ``tmp_path``; PNG because it is quick to write and exact to read."""
    return DataConfig(
        root=str(tmp_path / "raw"),
        new=str(tmp_path / "new"),
        rejected=str(tmp_path / "rejected"),
        prepared=str(tmp_path / "prepared"),
        extensions=(".png",),
        sources=("Flickr",),
        licenses=("CC0",),
    )


@pytest.fixture
def photos(tmp_path: Path) -> PhotoSet:
    """Six photos with 0, 1, 2, 0, 1, 2 boxes by three authors, not yet written."""
    return PhotoSet(tmp_path / "raw", 6)


@pytest.fixture
def new(tmp_path: Path) -> PhotoSet:
    """Four more photos, numbers 100 to 103, in the place and spelling of new data."""
    return PhotoSet(tmp_path / "new", 4, first=100, prefix="new_")
