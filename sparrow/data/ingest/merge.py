"""The tables of the raw set with those of a new batch in them; no file is touched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sparrow.data.checks.report import RuleViolation, rule_violation
from sparrow.data.formats.csv import table_paths
from sparrow.data.ingest.batch import NEW_PREFIX
from sparrow.data.ingest.changes import changes
from sparrow.data.tables import Dataset


@dataclass(frozen=True, eq=False)
class Merge:
    """The merged tables, the batch, and which of its photos were added, corrected or known."""

    dataset: Dataset
    batch: Dataset
    added: list[str]
    corrected: list[str]
    known: int

    @property
    def changes(self) -> bool:
        """Whether the raw set becomes another."""
        return bool(self.added or self.corrected)


def merge_batch(batch: Dataset, current: Dataset | None) -> Merge:
    """The raw set with a batch in it; without a raw set the batch becomes it."""
    if current is None:
        return Merge(batch, batch, batch.images["image"].tolist(), [], 0)
    by_content = dict(zip(current.images["sha256"], current.images["image"], strict=True))
    known = batch.images["sha256"].isin(by_content)
    added = batch.images["image"][~known].tolist()
    # A photo is corrected under its own name only; a copy by another name brings nothing new.
    corrected = list(changes(current, batch).corrected)
    take = set(added) | set(corrected)
    images = pd.concat(
        [
            current.images[~current.images["image"].isin(corrected)],
            batch.images[batch.images["image"].isin(take)],
        ],
        ignore_index=True,
    )
    boxes = pd.concat(
        [
            current.boxes[~current.boxes["image"].isin(corrected)],
            batch.boxes[batch.boxes["image"].isin(take)],
        ],
        ignore_index=True,
    )
    merged = Dataset(current.root, images, boxes)
    return Merge(merged, batch, added, corrected, len(batch.images) - len(take))


def name_clashes(batch: Dataset, current: Dataset) -> RuleViolation | None:
    """New photos that have the name of another one in the raw set."""
    names, contents = batch.images["image"], batch.images["sha256"]
    known = current.images.set_index("image")["sha256"].reindex(names).to_numpy()
    taken = np.flatnonzero(names.isin(current.images["image"]) & (contents != known))
    file = table_paths(Path(), NEW_PREFIX)[0].name
    return rule_violation("name-taken", file, taken + 2, names.iloc[taken], [""] * len(taken))
