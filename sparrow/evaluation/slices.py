"""The same numbers for a part of the photos or of the birds: where a model is weak.

A slice is a set of photos (by number of birds, light, focus, author) or, for box sizes, a part of
each photo's boxes: a detection counts to the size of the bird it found, a false one to its own.
``dark`` and ``blurred`` are the fifth of the photos with the lowest ``brightness`` or
``sharpness``, so they mean the same for every model scored on the same photos.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sparrow.data.split.groups import group_numbers
from sparrow.data.tables import UNKNOWN
from sparrow.evaluation.bootstrap import group_sums, percentile_interval
from sparrow.evaluation.coco import SIZE_RANGES_PX
from sparrow.evaluation.matching import Bools, FlatDetections, Floats, Ints
from sparrow.evaluation.metrics import f_beta, precision, recall

LOWEST_SHARE = 0.2
MIN_AUTHOR_PHOTOS, MAX_AUTHORS = 5, 20  # the busiest authors have a slice of their own
EMPTY = "birds 0"
COUNTS = ["tp", "fp", "fn"]


def birds_slice(n_true: Ints) -> list[str]:
    """Name of the slice a photo with so many birds belongs to."""
    edges = [0, 1, 5, np.inf]
    names = np.array([EMPTY, "birds 1", "birds 2-5", "birds 6+"])
    return names[np.searchsorted(edges, n_true)].tolist()


def size_counts(pool: FlatDetections, kept: Bools, found: Ints) -> dict[str, Ints]:
    """``tp_small``, ``fp_small`` … [photos]: pooled counts by box size.

    Args:
        kept: [D] detections above the threshold.
        found: [D] true box each detection matched, -1 if none.
    """
    edges = np.array([high for _, high in SIZE_RANGES_PX.values()][:-1])
    truth_size = np.searchsorted(edges, pool.truth_area_px)
    own_size = np.searchsorted(edges, pool.detection_area_px)
    right = kept & (found >= 0)
    hit = np.zeros(len(truth_size), dtype=bool)
    hit[found[right]] = True
    columns: dict[str, Ints] = {}
    for number, size in enumerate(SIZE_RANGES_PX):
        of_size = truth_size == number
        columns[f"tp_{size}"] = _count(pool, pool.truth_photo[of_size & hit])
        columns[f"fp_{size}"] = pool.per_photo(kept & (found < 0) & (own_size == number))
        columns[f"fn_{size}"] = _count(pool, pool.truth_photo[of_size & ~hit])
    return columns


def photo_traits(images: pd.DataFrame) -> dict[str, Bools]:
    """``dark`` and ``blurred`` [photos], those the table has the measurements for."""
    traits: dict[str, Bools] = {}
    for name, column in (("dark", "brightness"), ("blurred", "sharpness")):
        if column in images and images[column].notna().any():
            values = images[column].to_numpy(dtype=np.float64)
            traits[name] = values <= np.nanquantile(values, LOWEST_SHARE)
    return traits


def slice_counts(per_photo: pd.DataFrame) -> dict[str, tuple[Bools, Floats]]:
    """Every slice of a per-photo table as (members [photos], tp/fp/fn [photos, 3]).

    Counts of photos outside the slice are 0.
    """
    counts = per_photo[COUNTS].to_numpy(dtype=np.float64)
    members: dict[str, Bools] = {
        name: (per_photo["birds"] == name).to_numpy()
        for name in (EMPTY, "birds 1", "birds 2-5", "birds 6+")
    }
    for name in ("dark", "blurred"):
        if name in per_photo:
            members[name] = per_photo[name].to_numpy(dtype=bool)
    known = per_photo["author"][per_photo["author"] != UNKNOWN].value_counts()
    for author, photos in known.head(MAX_AUTHORS).items():
        if photos >= MIN_AUTHOR_PHOTOS:
            members[f"author {author}"] = (per_photo["author"] == author).to_numpy()
    slices = {name: (inside, counts * inside[:, None]) for name, inside in members.items()}
    for size in SIZE_RANGES_PX:
        part = per_photo[[f"{column}_{size}" for column in COUNTS]].to_numpy(dtype=np.float64)
        slices[f"{size} boxes"] = (part.sum(axis=1) > 0, part)
    return {name: value for name, value in slices.items() if value[0].any()}


def slice_table(
    per_photo: pd.DataFrame, weights: Floats, beta: float, confidence: float
) -> pd.DataFrame:
    """One row per slice.

    Returns:
        slice, photos, groups, birds, f_beta, low, high, precision, recall, count_mae (NaN for box
        sizes: their photos hold other boxes too).
    """
    groups = group_numbers(per_photo)
    errors = (per_photo["n_predicted"] - per_photo["n_true"]).abs().to_numpy(dtype=np.float64)
    rows: list[Mapping[str, object]] = []
    for name, (inside, counts) in slice_counts(per_photo).items():
        tp, fp, fn = counts.sum(axis=0)
        n_groups = len(np.unique(groups[inside]))
        drawn = weights @ group_sums(np.column_stack([counts, inside]), groups)
        drawn = drawn[drawn[:, 3] > 0] if n_groups > 1 else drawn[:0]
        resampled = f_beta(drawn[:, 0], drawn[:, 1], drawn[:, 2], beta)
        value = float(f_beta(tp, fp, fn, beta))
        score = percentile_interval(value, resampled, confidence, n_groups)
        rows.append(
            {
                "slice": name,
                "photos": int(inside.sum()),
                "groups": n_groups,
                "birds": int(tp + fn),
                "f_beta": score.value,
                "low": score.low,
                "high": score.high,
                "precision": float(precision(tp, fp, fn)),
                "recall": float(recall(tp, fn)),
                "count_mae": float("nan") if "boxes" in name else float(errors[inside].mean()),
            }
        )
    return pd.DataFrame(rows)


def _count(pool: FlatDetections, photos: Ints) -> Ints:
    return np.bincount(photos, minlength=len(pool.images))
