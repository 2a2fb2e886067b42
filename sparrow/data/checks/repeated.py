"""Boxes and photos that are in a set twice, each reported once with the first that it repeats."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.data.checks.compared_tables import Tables, of_photos
from sparrow.data.checks.report import RuleViolation, rule_violation
from sparrow.data.duplicates import hash_codes
from sparrow.data.repeats import NONE, closest, first_equal, first_overlap


def repeated_boxes(
    tables: Tables, compared: NDArray[np.bool_], min_iou: float
) -> list[RuleViolation | None]:
    """Boxes that are there twice, each once, with the first box that it repeats.

    Args:
        compared: [B] the boxes to compare: of photos with so few that all pairs can be compared.
    """
    sized = np.isfinite(tables.xywh).all(axis=1) & (tables.xywh[:, 2:] > 0).all(axis=1)
    chosen = np.flatnonzero(compared & sized)
    group = tables.photo_of_box[chosen] * (tables.labels.max(initial=0) + 1) + tables.labels[chosen]
    first = first_equal(pd.DataFrame(tables.xywh[chosen]).assign(group=group))
    new = first == np.arange(len(chosen))
    kept = chosen[new]
    under = first_overlap(tables.xywh[kept], group[new], min_iou)
    over = under != NONE
    return [
        _repeats(tables, "box-duplicate", chosen[~new], "the same as row ", chosen[first[~new]]),
        _repeats(tables, "box-drawn-twice", kept[over], "drawn over row ", kept[under[over]]),
    ]


def _repeats(
    tables: Tables, rule: str, boxes: NDArray[np.int64], words: str, firsts: NDArray[np.int64]
) -> RuleViolation | None:
    values = words + tables.box_rows[firsts].astype(str).astype(object)
    file, rows, images = tables.boxes_file, tables.box_rows[boxes], tables.box_names[boxes]
    return rule_violation(rule, file, rows, images, values)


def repeated_photos(
    tables: Tables, measured: pd.DataFrame, max_bits: int
) -> list[RuleViolation | None]:
    """Photos that are there twice, each once: with the first of the same file, or the most similar.

    Args:
        measured: photos that can be read, with their hashes.
        max_bits: photos at most so far apart are one picture (0..64).
    """
    names = measured["image"].to_numpy()
    first = first_equal(measured[["sha256"]])
    new = first == np.arange(len(measured))
    codes, unique = hash_codes(measured[new]), names[new]
    twin, bits = closest(codes, codes, max_bits, earlier=True)
    near = twin != NONE
    return [
        of_photos(tables, "photo-duplicate", names[~new], "the same file as " + names[first[~new]]),
        of_photos(
            tables,
            "photo-near-duplicate",
            unique[near],
            [
                f"looks like {other} ({apart} of 64 bits differ)"
                for other, apart in zip(unique[twin[near]], bits[near], strict=True)
            ],
        ),
    ]
