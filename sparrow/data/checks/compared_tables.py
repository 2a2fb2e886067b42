"""The two tables as arrays, and violations about their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.data.checks.report import RuleViolation, rule_violation


@dataclass(frozen=True, eq=False)
class Tables:
    """The two tables ready for comparison.

    Attributes:
        info_file, boxes_file: how the tables are called in violations.
        names: photo names [P]; info_rows: their line numbers; counts: float, NaN where illegible.
        photo_of_box: index into ``names`` of each box's photo [B], -1 where there is none.
        box_names, box_rows, labels: per box.
        xywh: float [B, 4]; recorded: float [B, 2], the photo's width and height beside each box.
    """

    info_file: str
    boxes_file: str
    names: NDArray[np.object_]
    info_rows: NDArray[np.int64]
    counts: NDArray[np.float64]
    photo_of_box: NDArray[np.int64]
    box_names: NDArray[np.object_]
    box_rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    xywh: NDArray[np.float64]
    recorded: NDArray[np.float64]


def of_boxes(
    tables: Tables, rule: str, hit: NDArray[np.bool_], values: NDArray[np.object_]
) -> RuleViolation | None:
    """A violation by the boxes where ``hit`` [B] is true; ``values`` are of those only."""
    return rule_violation(
        rule, tables.boxes_file, tables.box_rows[hit], tables.box_names[hit], values
    )


def of_photos(
    tables: Tables,
    rule: str,
    names: NDArray[np.object_],
    values: Sequence[str] | NDArray[np.object_],
) -> RuleViolation | None:
    """A violation by the photos named; ``values`` as many as ``names``."""
    return rule_violation(rule, tables.info_file, _info_rows(tables, names), names, values)


def _info_rows(tables: Tables, names: NDArray[np.object_]) -> NDArray[np.int64]:
    """Line number of each photo in the photo table; of the first, where a name is there twice."""
    rows = pd.Series(tables.info_rows, index=tables.names)
    return rows[~rows.index.duplicated()].reindex(names).to_numpy(dtype="int64")
