"""What a split is worth, computed from its ``split`` column: it audits anybody's split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from sparrow.boxes import box_areas
from sparrow.data.duplicates import hash_codes, hash_distances
from sparrow.data.split.assignments import SPLITS
from sparrow.data.split.class_words import ClassSides, class_sides, class_warnings
from sparrow.data.split.evidence import (
    evidence_words,
    known_authors,
    known_cameras,
    whole_words,
)
from sparrow.data.split.groups import count_groups, group_numbers, with_groups
from sparrow.data.split.tie_codes import Ints
from sparrow.data.split.ties import NEAR_DUPLICATE_BITS, VISIT_SECONDS, PhotoTies, photo_ties
from sparrow.data.tables import XYXY, Dataset, data_version

CLOSEST_PAIRS = 12
CROSSING_SHOWN = 20
CHUNK_PAIRS = 4_000_000


class SplitOrigin(TypedDict, total=False):
    """How ``split_dataset`` made a split; missing where somebody else made it.

    Attributes:
        seed: of the random fillings.
        imbalance: of the best of them; 0 is perfect.
        kept_their_side: photos that were assigned before, and stayed where they were.
        authors_parted_by_day: whether there are too few authors to keep each in one split.
        config: the section ``split``.
        checks: each rule on test against training photos (``checks.outcome.RuleOutcome``), those
            that the config accepts among them.
    """

    seed: int
    imbalance: float
    kept_their_side: int
    authors_parted_by_day: bool
    config: dict[str, Any]  # Any: JSON's values
    checks: list[dict[str, Any]]


class SplitReport(SplitOrigin):
    """What a split is worth: plain values, ready for JSON.

    Attributes:
        data_version: of the set.
        near_duplicate_bits, visit_seconds: what photos were compared by.
        crossing: what was found in more than one split (``author``: names, ``near_duplicate`` and
            ``visit``: lists of photos; all must be empty), found from the photos anew, whatever the
            split says of itself.
        splits: of each split its photos, groups, share, boxes, authors, cameras (of photos without
            an author), photos without boxes, mean count and quartiles of box size (square root of
            the area, px).
        evidence: what numbers over the test photos rest on, in a sentence.
        classes: of each class its photos and groups in each split.
        class_warnings: classes that are missing in a split, or rare in the test photos.
        closest_pairs: the train and test photos that look most alike, with the bits (0..64) in
            which they differ.
    """

    data_version: str
    near_duplicate_bits: int
    visit_seconds: float
    crossing: dict[str, list[Any]]  # Any: names, or lists of names
    splits: dict[str, dict[str, Any]]
    evidence: str
    classes: ClassSides
    class_warnings: list[str]
    closest_pairs: list[dict[str, Any]]


def report_split(
    dataset: Dataset,
    near_duplicate_bits: int = NEAR_DUPLICATE_BITS,
    visit_seconds: float = VISIT_SECONDS,
) -> SplitReport:
    """Report on a split from its ``split`` column, whoever made it.

    Args:
        dataset: split, its photos measured.
        near_duplicate_bits: photos at most so far apart are one picture (0..64).
        visit_seconds: photos of one camera at most so far apart are of one visit.
    """
    images = dataset.images
    ties = photo_ties(images, near_duplicate_bits, visit_seconds)
    grouped = with_groups(dataset, near_duplicate_bits, visit_seconds)
    return {
        "data_version": data_version(dataset),
        "near_duplicate_bits": near_duplicate_bits,
        "visit_seconds": visit_seconds,
        "crossing": find_crossing(images, ties),
        "splits": {
            split: _describe(grouped.subset(split), len(images))
            for split in sorted(map(str, images["split"].unique()), key=_order)
        },
        "evidence": evidence_words(grouped.subset("test").images, "test photos"),
        "classes": (classes := class_sides(grouped)),
        "class_warnings": class_warnings(classes),
        "closest_pairs": closest_pairs(images),
    }


def split_verdict(report: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether nothing is in two splits that need not be, and that in a sentence or two.

    Args:
        report: a ``SplitReport``.
    """
    crossing = dict(report["crossing"])
    parted = crossing.pop("author") if report.get("authors_parted_by_day") else []
    torn = [
        name if isinstance(name, str) else " + ".join(name)
        for names in crossing.values()
        for name in names
    ]
    if torn:
        more = " …" if len(torn) > CROSSING_SHOWN else ""
        shown = ", ".join(torn[:CROSSING_SHOWN]) + more
        return False, f"{len(torn)} group(s) are in more than one split: {shown}"
    if parted:
        return True, (
            "No near-duplicate picture and no visit of a camera is in more than one split, but "
            f"authors are ({', '.join(parted)}): they are too few to keep each in one split, so "
            "their days were parted, and photos of cameras without a day. The scores speak for "
            "these authors only."
        )
    sides = report["splits"].values()
    known = any(side["authors"] for side in sides)
    unknown = "" if known else _unknown_words(any(side.get("cameras") for side in sides))
    return True, f"{whole_words(known)} is in more than one split.{unknown}"


def _unknown_words(with_cameras: bool) -> str:
    if not with_cameras:
        return " No author is known, so none could be kept on one side."
    return (
        " No author is known, but cameras are: each was kept on one side or, where they are few, "
        "each of its days."
    )


def find_crossing(images: pd.DataFrame, ties: PhotoTies) -> dict[str, list[Any]]:
    """What is in more than one split (``SplitReport.crossing``)."""
    return {
        "author": sorted(images["author"].iloc[_crossing(ties.author, images)]),
        "near_duplicate": _names(ties.likeness, images),
        "visit": _names(ties.visit, images),
    }


def closest_pairs(images: pd.DataFrame, number: int = CLOSEST_PAIRS) -> list[dict[str, Any]]:
    """Train and test photos that look most alike: train, test (names), bits (0..64)."""
    readable = images[images["phash"] != ""]
    train, test = (readable[readable["split"] == split] for split in ("train", "test"))
    train_codes, test_codes = hash_codes(train), hash_codes(test)
    if not len(train_codes) or not len(test_codes):
        return []
    rows = max(1, CHUNK_PAIRS // len(test_codes))
    pairs: list[tuple[int, str, str]] = []
    for start in range(0, len(train_codes), rows):
        bits = hash_distances(train_codes[start : start + rows], test_codes)
        nearest = np.argsort(bits, axis=None, kind="stable")[:number]
        for a, b in zip(*np.unravel_index(nearest, bits.shape), strict=True):
            pair = (str(train["image"].iloc[start + a]), str(test["image"].iloc[b]))
            pairs.append((int(bits[a, b]), *pair))
        pairs = sorted(pairs)[:number]
    return [{"train": a, "test": b, "bits": bits} for bits, a, b in pairs]


def _order(split: str) -> tuple[int, str]:
    return (SPLITS.index(split) if split in SPLITS else len(SPLITS), split)


def _crossing(codes: Ints, images: pd.DataFrame) -> list[int]:
    """Place of the first photo of each code that is in more than one split."""
    tied = np.flatnonzero(codes >= 0)
    splits = images["split"].iloc[tied].groupby(codes[tied]).nunique()
    firsts = pd.Series(tied).groupby(codes[tied]).first()
    return firsts[(splits > 1).to_numpy()].tolist()


def _names(codes: Ints, images: pd.DataFrame) -> list[list[str]]:
    """The photos of each code that is in more than one split."""
    return [sorted(images["image"][codes == codes[first]]) for first in _crossing(codes, images)]


def _describe(part: Dataset, photos_in_all: int) -> dict[str, Any]:
    counts = part.images["n_boxes"]
    sizes = np.sqrt(box_areas(part.boxes[XYXY]))
    quartiles = np.quantile(sizes, [0.25, 0.5, 0.75]).round(1).tolist() if len(sizes) else None
    return {
        "photos": len(counts),
        "groups": count_groups(group_numbers(part.images)),
        "share": round(len(counts) / photos_in_all, 4),
        "boxes": len(part.boxes),
        "authors": len(known_authors(part.images)),
        "cameras": len(known_cameras(part.images)),
        "photos_without_boxes": int((counts == 0).sum()),
        "mean_count": round(float(counts.mean()), 3),
        "box_side_quartiles_px": quartiles,
    }
