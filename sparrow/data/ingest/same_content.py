"""New photos whose bytes the raw set holds: which of its photos they are, and whether they agree.

A labelling tool gives back photos under names of its own (``1f0c-b.jpg`` for ``b.jpg``), and knows
nothing of their authors. So a photo is recognised by its content, and what nobody recorded does not
replace what the raw set knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sparrow.data.checks.report import RuleViolation, rule_violation
from sparrow.data.formats.csv import table_paths
from sparrow.data.ingest.batch import NEW_PREFIX
from sparrow.data.tables import (
    NAMED_CAMERA,
    UNKNOWN,
    XYXY,
    Dataset,
    names_cameras,
    versioned_tables,
)

CREDITS = ("author", "source", "license")

BoxRow = tuple[str, float, float, float, float]  # label, then xyxy pixels
Boxes = Mapping[str, tuple[BoxRow, ...]]  # of each photo that has any, sorted


@dataclass(frozen=True, eq=False)
class KnownPhotos:
    """What new data says about photos of the raw set, under the raw set's names.

    Attributes:
        dataset: their rows and boxes; a photo under its own name with the row that came, one that
            came under another name with the raw set's row.
        targets: the raw set's names of each new photo that it holds, by the name it came under.
            Several where the raw set holds the file more than once and the boxes that came are
            new: then they replace those of every copy.
    """

    dataset: Dataset
    targets: Mapping[str, tuple[str, ...]]


def match_known(batch: Dataset, current: Dataset) -> KnownPhotos:
    """The photos of a batch that the raw set holds, whatever they are called."""
    raw_names = names_by_content(current)
    here, there = boxes_by_photo(batch), boxes_by_photo(current)
    targets = {
        name: _targets(name, raw_names[sha256], here, there)
        for name, sha256 in zip(batch.images["image"], batch.images["sha256"], strict=True)
        if sha256 in raw_names
    }
    source = {target: name for name, raw in targets.items() for target in raw}
    # What came under a photo's own name goes before what a copy of it says; their boxes agree.
    source |= {name: name for name, raw in targets.items() if name in raw}
    images = pd.concat(
        [_own_rows(batch, current, source), _rows_of_others(batch, current, source)],
        ignore_index=True,
    )
    of_source = batch.boxes_by_image()
    boxes = [of_source[name].assign(image=target) for target, name in source.items()]
    empty = batch.boxes.iloc[:0]
    return KnownPhotos(
        Dataset(current.root, images, pd.concat([empty, *boxes], ignore_index=True)), targets
    )


def disagreements(batch: Dataset, current: Dataset | None) -> RuleViolation | None:
    """New photos that are one file, but have different boxes: nobody can say which are right.

    Photos that already disagree in the raw set, and come back as they are, are not among them.
    """
    boxes = boxes_by_photo(batch)
    there = boxes_by_photo(current) if current is not None else {}
    contents = _contents(current) if current is not None else {}
    hit, values = [], []
    rows = {name: row for row, name in enumerate(batch.images["image"], 2)}
    for sha256, names in names_by_content(batch).items():
        untouched = all(
            contents.get(name) == sha256 and boxes.get(name) == there.get(name) for name in names
        )
        others = [name for name in names if boxes.get(name) != boxes.get(names[0])]
        if untouched or not others:
            continue
        hit += [names[0], *others]
        same = [others[0], *[names[0]] * len(others)]
        values += [f"the same file as {name}, with other boxes" for name in same]
    file = table_paths(Path(), NEW_PREFIX)[0].name
    return rule_violation("photo-disagrees", file, [rows[name] for name in hit], hit, values)


def names_by_content(dataset: Dataset) -> dict[str, list[str]]:
    """Names of photos by the SHA-256 of their file."""
    names: dict[str, list[str]] = {}
    for name, sha256 in zip(dataset.images["image"], dataset.images["sha256"], strict=True):
        names.setdefault(sha256, []).append(name)
    return names


def boxes_by_photo(dataset: Dataset) -> Boxes:
    """The boxes of each photo that has any, as far as they make a version (three decimals)."""
    _, table = versioned_tables(dataset)
    rows: dict[str, list[BoxRow]] = {}
    columns = [table[name] for name in ("image", "label", *XYXY)]
    for name, *box in zip(*columns, strict=True):
        rows.setdefault(name, []).append(tuple(box))
    return {name: tuple(boxes) for name, boxes in rows.items()}


def _targets(name: str, raw_names: Sequence[str], here: Boxes, there: Boxes) -> tuple[str, ...]:
    """The photos of the raw set that a new photo is about; the first of copies is enough to know
    that it brings nothing.
    """
    copies = (name,) if name in raw_names else raw_names
    same = [copy for copy in copies if here.get(name) == there.get(copy)]
    return (same[0],) if same else tuple(raw_names)


def _own_rows(batch: Dataset, current: Dataset, source: Mapping[str, str]) -> pd.DataFrame:
    """Rows that came under the photo's own name; unknown credits are those of the raw set."""
    own = [target for target, name in source.items() if target == name]
    rows = batch.images[batch.images["image"].isin(own)].copy()
    known = current.images.set_index("image").reindex(rows["image"])
    for column in CREDITS:
        rows[column] = rows[column].where(rows[column] != UNKNOWN, known[column].to_numpy())
    if names_cameras(current.images):
        named = rows[NAMED_CAMERA] if NAMED_CAMERA in rows else pd.Series("", index=rows.index)
        rows[NAMED_CAMERA] = np.where(
            named.fillna("") != "", named, known[NAMED_CAMERA].fillna("").to_numpy()
        )
    return rows


def _rows_of_others(batch: Dataset, current: Dataset, source: Mapping[str, str]) -> pd.DataFrame:
    """The raw set's rows of photos that came under another name, with the new number of boxes."""
    others = {target: name for target, name in source.items() if target != name}
    rows = current.images[current.images["image"].isin(others)].copy()
    counts = batch.images.set_index("image")["n_boxes"]
    rows["n_boxes"] = counts.reindex(rows["image"].map(others)).to_numpy(dtype="int64")
    return rows


def _contents(dataset: Dataset) -> dict[str, str]:
    return dict(zip(dataset.images["image"], dataset.images["sha256"], strict=True))
