"""``train.csv``, ``validation.csv`` and ``test.csv``: a split as tables for other programs.

Their columns are those of ``image_info.csv`` and four more: the mean size of a photo's boxes, empty
where it has none, and the photo's own size, all in pixels.
"""

from __future__ import annotations

import pandas as pd

from sparrow.boxes import xyxy_to_xywh
from sparrow.data.formats.csv import quoting_of, raw_tables
from sparrow.data.split.assignments import SPLITS
from sparrow.data.tables import XYXY, Dataset

SIZE_COLUMNS = ("avg_bbox_width", "avg_bbox_height", "image_width", "image_height")
_DIGITS = 2  # of a mean, in pixels


def table_name(split: str) -> str:
    """The file that holds the photos of a split."""
    return f"{split}.csv"


def split_tables(dataset: Dataset) -> dict[str, str]:
    """The CSV text of each split's table, by the name of its file; rows are ordered by photo.

    Args:
        dataset: with its ``split`` column.
    """
    table = _photo_table(dataset)
    splits = dataset.images["split"].to_numpy()
    return {
        table_name(split): _as_csv(table[splits == split].sort_values("Name")) for split in SPLITS
    }


def _photo_table(dataset: Dataset) -> pd.DataFrame:
    """A row per photo, in the order of ``dataset.images``."""
    info, _ = raw_tables(dataset)
    sizes = pd.DataFrame(
        xyxy_to_xywh(dataset.boxes[XYXY].to_numpy(dtype=float))[:, 2:],
        columns=list(SIZE_COLUMNS[:2]),
    )
    means = sizes.groupby(dataset.boxes["image"].to_numpy()).mean().round(_DIGITS)
    means = means.reindex(dataset.images["image"]).reset_index(drop=True)
    photo_sizes = dataset.images[["width_px", "height_px"]].set_axis(SIZE_COLUMNS[2:], axis=1)
    parts = [info.reset_index(drop=True), means, photo_sizes.reset_index(drop=True)]
    return pd.concat(parts, axis=1)


def _as_csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n", quoting=quoting_of(table)))
