"""What became of each photo between two states of a set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.data.tables import BOX_COLUMNS, IMAGE_COLUMNS, Dataset


@dataclass(frozen=True)
class Changes:
    """Names of photos, sorted: new ones, those whose file, row or boxes changed, those gone."""

    added: tuple[str, ...]
    corrected: tuple[str, ...]
    removed: tuple[str, ...]


def changes(before: Dataset | None, after: Dataset) -> Changes:
    """Compare two states photo by photo; without a state before, every photo is new.

    Both hold ``sha256``. Columns assigned later (``split``) and the order of rows do not count.
    """
    new = photo_signatures(after)
    if before is None:
        return Changes(tuple(sorted(new.index)), (), ())
    old = photo_signatures(before)
    both = new.index.intersection(old.index)
    differ = new[both].to_numpy() != old[both].to_numpy()
    return Changes(
        added=tuple(sorted(new.index.difference(old.index))),
        corrected=tuple(sorted(both[differ])),
        removed=tuple(sorted(old.index.difference(new.index))),
    )


def photo_signatures(dataset: Dataset) -> pd.Series:
    """A 64-bit number for each photo's file, row and boxes (in any order), by photo name."""
    rows = _row_hashes(dataset.images[[*IMAGE_COLUMNS, "sha256"]])
    photo_of_box = pd.Index(dataset.images["image"]).get_indexer(dataset.boxes["image"])
    boxes = np.zeros(len(rows), dtype=np.uint64)
    np.add.at(boxes, photo_of_box, _row_hashes(dataset.boxes[list(BOX_COLUMNS)]))  # mod 2**64
    mixed = pd.DataFrame({"row": rows, "boxes": boxes})
    return pd.Series(_row_hashes(mixed), index=pd.Index(dataset.images["image"]))


def _row_hashes(table: pd.DataFrame) -> NDArray[np.uint64]:
    table = table.copy()
    for column in table.columns:
        if pd.api.types.is_float_dtype(table[column]):
            table[column] = table[column].round(3)  # as in the data version
    return np.asarray(pd.util.hash_pandas_object(table, index=False), dtype=np.uint64)
