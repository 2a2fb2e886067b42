"""On which side of the split each class is, and a warning where it is missing or rare there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import pandas as pd

from sparrow.data.split.assignments import SPLITS
from sparrow.data.split.groups import GROUP, MIN_GROUPS, count_groups
from sparrow.data.tables import Dataset


class ClassPart(TypedDict):
    """What of a class is in a split: photos that show it, and their groups."""

    photos: int
    groups: int


ClassSides = dict[str, dict[str, ClassPart]]

WITHOUT = {
    "train": "it cannot be learned",
    "validation": "epoch and threshold are chosen without it",
    "test": "no score speaks for it",
}


def class_sides(dataset: Dataset) -> ClassSides:
    """Of each class its photos and groups in each split.

    Args:
        dataset: with its ``split`` column and its groups.
    """
    shown = dataset.boxes[["image", "label"]].drop_duplicates()
    photos = shown.merge(dataset.images[["image", "split", GROUP]], on="image")
    return {
        str(label): {split: _part(of_class[of_class["split"] == split]) for split in SPLITS}
        for label, of_class in photos.groupby("label", sort=True)
    }


def _part(photos: pd.DataFrame) -> ClassPart:
    return {"photos": len(photos), "groups": count_groups(photos[GROUP])}


def class_warnings(classes: Mapping[str, Mapping[str, ClassPart]]) -> list[str]:
    """A sentence for each class that is missing in a split or rare in the test photos.

    Fewer than ``MIN_GROUPS`` groups of test photos are rare: resampling says little then.
    """
    words = []
    for name, sides in classes.items():
        words += [
            f"{name} is in no {split} photo: {WITHOUT[split]}."
            for split in SPLITS
            if not sides[split]["photos"]
        ]
        tested = sides["test"]
        if 0 < tested["groups"] < MIN_GROUPS:
            words.append(
                f"{name} is in {_number(tested['photos'], 'test photo')} of "
                f"{_number(tested['groups'], 'group')}: with fewer than {MIN_GROUPS} groups its "
                "scores say little."
            )
    return words


def class_lines(classes: Mapping[str, Mapping[str, ClassPart]]) -> list[str]:
    """``hawk: 4 photos: 2 train, 1 validation, 1 test``, a line for each class of several."""
    if len(classes) < 2:
        return []
    return [
        f"{name}: {_number(sum(sides[split]['photos'] for split in SPLITS), 'photo')}: "
        + ", ".join(f"{sides[split]['photos']} {split}" for split in SPLITS)
        for name, sides in classes.items()
    ]


def rare_classes(labels: Sequence[str], groups: pd.Series) -> str:
    """``; classes in fewer than 10 groups …``: what a sentence on test photos has to add.

    Args:
        labels: of each box.
        groups: of each box, of its photo.
    """
    per_class = groups.reset_index(drop=True).groupby(list(labels)).nunique()
    rare = [
        f"{name} ({_number(int(n), 'group')})" for name, n in per_class.items() if n < MIN_GROUPS
    ]
    if len(per_class) < 2 or not rare:
        return ""
    return f"; of fewer than {MIN_GROUPS} groups, so that its scores say little: {', '.join(rare)}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
