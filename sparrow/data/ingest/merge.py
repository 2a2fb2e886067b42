"""The tables of the raw set with those of a new batch in them; no file is touched."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sparrow.data.checks.report import RuleViolation, rule_violation
from sparrow.data.formats.csv import table_paths
from sparrow.data.ingest.batch import NEW_PREFIX
from sparrow.data.ingest.changes import changes
from sparrow.data.ingest.same_content import match_known
from sparrow.data.tables import Dataset


@dataclass(frozen=True, eq=False)
class Merge:
    """The merged tables, the batch, and what becomes of its photos.

    Attributes:
        dataset: the raw set as it will be.
        batch: the new data, under the names it came with.
        added: names of photos whose content is new.
        corrected: names of the raw set's photos whose row or boxes are replaced.
        known: names of new photos that bring nothing.
        renamed: the raw set's names of each photo that came under another.
    """

    dataset: Dataset
    batch: Dataset
    added: list[str]
    corrected: list[str]
    known: list[str]
    renamed: dict[str, tuple[str, ...]]

    @property
    def changes(self) -> bool:
        """Whether the raw set becomes another."""
        return bool(self.added or self.corrected)

    def renamed_words(self) -> list[str]:
        """Of each photo that came under another name, what it is and what became of it."""
        known, counts = set(self.known), self.dataset.images.set_index("image")["n_boxes"]
        return [
            f"{name} is {' and '.join(names)} "
            + ("(known)" if name in known else f"(corrected, {counts[names[0]]} boxes)")
            for name, names in self.renamed.items()
        ]


def merge_batch(batch: Dataset, current: Dataset | None) -> Merge:
    """The raw set with a batch in it; without a raw set the batch becomes it.

    A photo is corrected whatever name it came under (``same_content``).
    """
    if current is None:
        return Merge(batch, batch, batch.images["image"].tolist(), [], [], {})
    known = match_known(batch, current)
    new = ~batch.images["image"].isin(known.targets)
    added = batch.images["image"][new].tolist()
    corrected = set(changes(current, known.dataset).corrected)
    sets = (current, known.dataset, batch)
    images = _with_changes([each.images for each in sets], corrected, added)
    boxes = _with_changes([each.boxes for each in sets], corrected, added)
    merged = Dataset(current.root, images, boxes)
    nothing_new = [
        name for name, raw_names in known.targets.items() if not corrected & set(raw_names)
    ]
    renamed = {
        name: raw_names for name, raw_names in known.targets.items() if name not in raw_names
    }
    return Merge(merged, batch, added, sorted(corrected), nothing_new, renamed)


def _with_changes(
    tables: Sequence[pd.DataFrame], corrected: Collection[str], added: Collection[str]
) -> pd.DataFrame:
    """Rows of the raw set that stay, those that replace its others, and those of new photos."""
    current, known, batch = tables
    parts = [
        current[~current["image"].isin(corrected)],
        known[known["image"].isin(corrected)],
        batch[batch["image"].isin(added)],
    ]
    return pd.concat(parts, ignore_index=True)


def name_clashes(batch: Dataset, current: Dataset) -> RuleViolation | None:
    """New photos that have the name of another one in the raw set."""
    names, contents = batch.images["image"], batch.images["sha256"]
    known = current.images.set_index("image")["sha256"].reindex(names).to_numpy()
    taken = np.flatnonzero(names.isin(current.images["image"]) & (contents != known))
    file = table_paths(Path(), NEW_PREFIX)[0].name
    return rule_violation("name-taken", file, taken + 2, names.iloc[taken], [""] * len(taken))
