"""The two tables that all other modules work on, in the project's own names.

The reference's CSV spelling (``Name``, ``bbox_x`` …) ends at ``sparrow.data.formats.csv``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

IMAGE_COLUMNS = ("image", "author", "n_boxes", "source", "license", "width_px", "height_px")
BOX_COLUMNS = ("image", "label", "x_min_px", "y_min_px", "x_max_px", "y_max_px")
XYXY = ["x_min_px", "y_min_px", "x_max_px", "y_max_px"]
# A column that a photo table has where a camera is named for any photo: "" or missing is unknown.
# ``camera`` is another: what was measured of the file.
NAMED_CAMERA = "named_camera"
UNKNOWN = "unknown"  # author, source or licence nobody recorded; unknown authors form no group


@dataclass(frozen=True, eq=False)
class Dataset:
    """Photos and their boxes.

    Attributes:
        root: folder that holds ``images/``.
        images: one row per photo (``IMAGE_COLUMNS`` and whatever was measured or assigned since:
            ``sha256``, ``phash``, ``split`` …); ``image`` is the file name, unique. Sizes are of
            the upright photo.
        boxes: one row per box (``BOX_COLUMNS``); a photo without boxes has no row here.
    """

    root: Path
    images: pd.DataFrame
    boxes: pd.DataFrame

    def image_path(self, image: str) -> Path:
        """The path of a photo's file."""
        return self.root / "images" / image

    def boxes_by_image(self) -> dict[str, pd.DataFrame]:
        """Rows of ``boxes`` for every photo, an empty table for a photo without any."""
        tables = dict(iter(self.boxes.groupby("image", sort=False)))
        empty = self.boxes.iloc[:0]
        return {image: tables.get(image, empty) for image in self.images["image"]}

    def subset(self, split: str) -> Dataset:
        """Only the photos whose ``split`` column equals ``split``, and their boxes."""
        return self.having(self.images["split"] == split)

    def having(self, chosen: pd.Series[bool]) -> Dataset:
        """Only the photos of the chosen rows of ``images``, and their boxes."""
        images = self.images[chosen].reset_index(drop=True)
        boxes = self.boxes[self.boxes["image"].isin(images["image"])].reset_index(drop=True)
        return Dataset(self.root, images, boxes)


def data_version(dataset: Dataset) -> str:
    """16 hex digits over both tables and the photos' hashes.

    The same data gives the same version on every machine, whatever the order of rows or columns.
    ``dataset.images`` must hold ``sha256``; columns assigned later (``split``) do not count.
    """
    digest = hashlib.sha256()
    for table in versioned_tables(dataset):
        digest.update(table.to_csv(index=False, lineterminator="\n").encode())
    return digest.hexdigest()[:16]


def versioned_tables(dataset: Dataset) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What of both tables makes a version, sorted: the order of rows does not count.

    Numbers are floats of three decimals: 3 and 3.0 are the same pixel.
    """
    columns = recorded_columns(dataset.images)
    images = dataset.images[columns].sort_values("image")
    if NAMED_CAMERA in columns:
        images[NAMED_CAMERA] = images[NAMED_CAMERA].fillna("")
    boxes = dataset.boxes[list(BOX_COLUMNS)].sort_values(["image", "label", *XYXY])
    return _rounded(images), _rounded(boxes)


def names_cameras(images: pd.DataFrame) -> bool:
    """Whether a photo table names the camera of any photo; else it is as if without the column."""
    return NAMED_CAMERA in images and bool((images[NAMED_CAMERA].fillna("") != "").any())


def recorded_columns(images: pd.DataFrame) -> list[str]:
    """The columns of a photo table that make a version."""
    return [*IMAGE_COLUMNS, "sha256", *([NAMED_CAMERA] if names_cameras(images) else [])]


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    numbers = table.select_dtypes("number").columns
    return table.assign(**{name: np.round(table[name].astype(float), 3) for name in numbers})
