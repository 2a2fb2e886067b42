"""The same numbers for a part of the photos or of the objects: where a model is weak.

A slice is a set of photos (by number of objects, light, focus, author) or a part of each photo's
boxes, by size or by class: a detection counts to the size of the object it matches, a false one to
its own.
``dark`` and ``blurred`` are the fifth of the photos with the lowest ``brightness`` or
``sharpness``, so they mean the same for every model scored on the same photos.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sparrow.data.tables import UNKNOWN
from sparrow.evaluation.bootstrap import Interval, Resamples
from sparrow.evaluation.coco import SIZE_RANGES_PX
from sparrow.evaluation.matching import Bools, FlatDetections, Floats, Ints
from sparrow.evaluation.metrics import f_beta, precision, recall

LOWEST_FRACTION = 0.2
MIN_AUTHOR_PHOTOS, MAX_AUTHORS = 5, 20  # authors of most photos have a slice of their own
EMPTY = "objects 0"
OBJECTS = (EMPTY, "objects 1", "objects 2-5", "objects 6+")
COUNTS = ["tp", "fp", "fn"]
BOX_SLICES = {f"{size} boxes": size for size in SIZE_RANGES_PX}
CLASS = "class "  # begins the name of a class's slice
_OF_CLASS = " of class "  # between ``tp`` and the class in the names of columns


def objects_slice(n_true: Ints) -> list[str]:
    """Name of the slice a photo with so many objects belongs to."""
    edges = [0, 1, 5, np.inf]
    return np.array(OBJECTS)[np.searchsorted(edges, n_true)].tolist()


def size_counts(flat: FlatDetections, kept: Bools, matched: Ints) -> dict[str, Ints]:
    """``tp_small``, ``fp_small`` … [photos]: pooled counts by box size.

    Args:
        kept: [D] detections above the threshold.
        matched: [D] true box each detection matches, -1 if none.
    """
    edges = np.array([high for _, high in SIZE_RANGES_PX.values()][:-1])
    truth_size = np.searchsorted(edges, flat.truth_area_px)
    own_size = np.searchsorted(edges, flat.detection_area_px)
    right = kept & (matched >= 0)
    hit = np.zeros(len(truth_size), dtype=bool)
    hit[matched[right]] = True
    columns: dict[str, Ints] = {}
    for number, size in enumerate(SIZE_RANGES_PX):
        of_size = truth_size == number
        columns[f"tp_{size}"] = _count(flat, flat.truth_photo[of_size & hit])
        columns[f"fp_{size}"] = flat.per_photo(kept & (matched < 0) & (own_size == number))
        columns[f"fn_{size}"] = _count(flat, flat.truth_photo[of_size & ~hit])
    return columns


def class_counts(flat: FlatDetections, kept: Bools, matched: Ints) -> dict[str, Ints]:
    """``tp of class goose`` … [photos]: pooled counts of each class; empty for a single one.

    Args:
        kept, matched: see ``size_counts``.
    """
    columns: dict[str, Ints] = {}
    if len(flat.class_names) < 2:
        return columns
    for label, name in enumerate(flat.class_names, 1):
        own = kept & (flat.detection_label == label)
        tp = flat.per_photo(own & (matched >= 0))
        columns[f"tp{_OF_CLASS}{name}"] = tp
        columns[f"fp{_OF_CLASS}{name}"] = flat.per_photo(own) - tp
        columns[f"fn{_OF_CLASS}{name}"] = (
            _count(flat, flat.truth_photo[flat.truth_label == label]) - tp
        )
    return columns


def photo_traits(images: pd.DataFrame) -> dict[str, Bools]:
    """``dark`` and ``blurred`` [photos], those the table has the measurements for."""
    traits: dict[str, Bools] = {}
    for name, column in (("dark", "brightness"), ("blurred", "sharpness")):
        if column in images and images[column].notna().any():
            values = images[column].to_numpy(dtype=np.float64)
            traits[name] = values <= np.nanquantile(values, LOWEST_FRACTION)
    return traits


def slice_counts(per_photo: pd.DataFrame) -> dict[str, tuple[Bools, Floats]]:
    """Every slice of a per-photo table as (members [photos], tp/fp/fn [photos, 3]).

    Counts of photos outside the slice are 0.
    """
    counts = per_photo[COUNTS].to_numpy(dtype=np.float64)
    slices = {
        name: (inside, counts * inside[:, None]) for name, inside in photo_slices(per_photo).items()
    }
    for name, columns in _part_columns(per_photo).items():
        part = per_photo[columns].to_numpy(dtype=np.float64)
        slices[name] = (part.sum(axis=1) > 0, part)
    return {name: value for name, value in slices.items() if value[0].any()}


def photo_slices(per_photo: pd.DataFrame) -> dict[str, Bools]:
    """The slices that are whole photos: [photos] whether each photo is in it."""
    members: dict[str, Bools] = {
        name: (per_photo["objects"] == name).to_numpy() for name in OBJECTS
    }
    for name in ("dark", "blurred"):
        if name in per_photo:
            members[name] = per_photo[name].to_numpy(dtype=bool)
    known = per_photo["author"][per_photo["author"] != UNKNOWN].value_counts()
    for author, photos in known.head(MAX_AUTHORS).items():
        if photos >= MIN_AUTHOR_PHOTOS:
            members[f"author {author}"] = (per_photo["author"] == author).to_numpy()
    return members


def _part_columns(per_photo: pd.DataFrame) -> dict[str, list[str]]:
    """The columns of the slices that are a part of each photo's boxes: sizes, and classes."""
    first = f"{COUNTS[0]}{_OF_CLASS}"
    classes = [str(name).removeprefix(first) for name in per_photo if str(name).startswith(first)]
    return {
        **{name: [f"{column}_{size}" for column in COUNTS] for name, size in BOX_SLICES.items()},
        **{
            f"{CLASS}{name}": [f"{column}{_OF_CLASS}{name}" for column in COUNTS]
            for name in classes
        },
    }


def slice_table(per_photo: pd.DataFrame, resamples: Resamples, beta: float) -> pd.DataFrame:
    """One row per slice.

    Returns:
        slice, photos, groups, objects, f_beta, low, high, precision, recall, count_mae (NaN for box
        sizes and classes: their photos hold other boxes too).
    """
    errors = (per_photo["n_predicted"] - per_photo["n_true"]).abs().to_numpy(dtype=np.float64)
    rows: list[Mapping[str, object]] = []
    parts = _part_columns(per_photo)
    for name, (inside, counts) in slice_counts(per_photo).items():
        tp, fp, fn = counts.sum(axis=0)
        n_groups, score = _score(inside, counts, resamples, beta)
        rows.append(
            {
                "slice": name,
                "photos": int(inside.sum()),
                "groups": n_groups,
                "objects": int(tp + fn),
                "f_beta": score.value,
                "low": score.low,
                "high": score.high,
                "precision": float(precision(tp, fp, fn)),
                "recall": float(recall(tp, fn)),
                "count_mae": float("nan") if name in parts else float(errors[inside].mean()),
            }
        )
    return pd.DataFrame(rows)


def _score(
    inside: Bools, counts: Floats, resamples: Resamples, beta: float
) -> tuple[int, Interval]:
    """A slice's number of groups and F-beta; resamples without any of its photos are left out."""
    n_groups = len(np.unique(resamples.groups[inside]))
    sums = resamples.sums(np.column_stack([counts, inside]))
    sums = sums[sums[:, 3] > 0] if n_groups > 1 else sums[:0]
    resampled = f_beta(sums[:, 0], sums[:, 1], sums[:, 2], beta)
    tp, fp, fn = counts.sum(axis=0)
    value = float(f_beta(tp, fp, fn, beta))
    return n_groups, resamples.interval(value, resampled, n_groups)


def _count(flat: FlatDetections, photos: Ints) -> Ints:
    return np.bincount(photos, minlength=len(flat.photos))
