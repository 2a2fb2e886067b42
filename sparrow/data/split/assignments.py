"""The split that each photo was assigned to, kept with the set, so that it stays there.

A set grows, and splitting it afresh would move photos that a model has learned from into the test
split, where they flatter that model. So a photo stays in its split from the first one on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sparrow.atomic_file import write_atomic
from sparrow.data.errors import DataError
from sparrow.data.ingest.versions import HISTORY
from sparrow.data.tables import Dataset

FILE = "sides.csv"  # as earlier versions called it
SPLITS = ("train", "validation", "test")  # what a model has seen most of comes first


def load_assignments(root: Path) -> dict[str, str]:
    """Split of each photo that was ever split, by the SHA-256 of its file; empty before the first.

    Raises:
        DataError: the file is damaged; the message says how to split afresh.
    """
    path = root / HISTORY / FILE
    if not path.exists():
        return {}
    try:
        table = pd.read_csv(path, dtype=str)
        assignments = dict(zip(table["sha256"], table["split"], strict=True))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: not a list of assignments ({error}); {_AFRESH}") from error
    if unknown := set(assignments.values()) - set(SPLITS):
        raise DataError(f"{path}: expected {', '.join(SPLITS)}, found {sorted(unknown)}; {_AFRESH}")
    return assignments


def save_assignments(dataset: Dataset) -> None:
    """Add the ``split`` column to the file; photos that are not in the set now keep their line."""
    path = dataset.root / HISTORY / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    now = dict(zip(dataset.images["sha256"], dataset.images["split"], strict=True))
    _write(path, {**load_assignments(dataset.root), **now})


def _write(path: Path, assignments: Mapping[str, str]) -> None:
    table = pd.DataFrame(sorted(assignments.items()), columns=["sha256", "split"])
    write_atomic(path, table.to_csv(index=False))


def merge_assignments(root: Path, others: Mapping[str, str]) -> None:
    """Add assignments that another copy of the set made; nothing where there are none.

    A photo that the two assigned differently goes where a model has seen most.
    """
    merged = load_assignments(root)
    for sha256, split in others.items():
        merged[sha256] = min(split, merged.get(sha256, split), key=SPLITS.index)
    if others:
        _write(root / HISTORY / FILE, merged)


def settled_groups(
    images: pd.DataFrame, groups: Sequence[int], assignments: Mapping[str, str]
) -> dict[int, int]:
    """Group number -> place in ``SPLITS`` of the groups that hold an assigned photo.

    Where new photos tie groups of two splits together, all go where a model has seen most: test
    photos may move into training, never the other way.
    """
    settled: dict[int, int] = {}
    for group, sha256 in zip(groups, images["sha256"], strict=True):
        if sha256 in assignments:
            place = SPLITS.index(assignments[sha256])
            settled[group] = min(place, settled.get(group, place))
    return settled


_AFRESH = "delete it to split afresh (the models trained so far may then have seen test photos)"
