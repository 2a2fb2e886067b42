"""What became of each photo between two states of a set."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sparrow.data.tables import NAMED_CAMERA, Dataset, versioned_tables


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
    names = set(after.images["image"])
    if before is None:
        return Changes(tuple(sorted(names)), (), ())
    known = set(before.images["image"])
    return Changes(
        added=tuple(sorted(names - known)),
        corrected=tuple(sorted(_changed(before, after, names & known))),
        removed=tuple(sorted(known - names)),
    )


def _changed(before: Dataset, after: Dataset, names: set[str]) -> set[str]:
    """Those of the photos in both states whose file, row or boxes differ."""
    changed: set[str] = set()
    for old, new in zip(versioned_tables(before), versioned_tables(after), strict=True):
        rows = [table[table["image"].isin(names)] for table in (old, new)]
        if any(NAMED_CAMERA in table for table in rows):
            rows = [table.assign(**{NAMED_CAMERA: table.get(NAMED_CAMERA, "")}) for table in rows]
        counts = pd.concat([table["image"].value_counts() for table in rows], axis=1).fillna(0)
        changed |= set(counts.index[counts.iloc[:, 0] != counts.iloc[:, 1]])
        # With as many rows of each photo in both, row i is held against row i.
        aligned = [
            table[~table["image"].isin(changed)]
            .sort_values(list(table.columns))
            .reset_index(drop=True)
            for table in rows
        ]
        differs = (aligned[0] != aligned[1]).any(axis=1)
        changed |= set(aligned[0].loc[differs, "image"])
    return changed
