"""What kind of mistake each wrong box is.

After Bolya et al. 2020 (TIDE), in five kinds that cover every mistake at an operating threshold:

- confused: a false detection that overlaps (IoU >= t) a bird of another class;
- doubled: overlaps (IoU >= t) a bird of its class that a better detection already found;
- misplaced: overlaps a bird (any class) by ``MIN_PAIR_IOU`` or more, but by less than t;
- background: overlaps no bird;
- missed: a bird no detection was matched to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.evaluation.matching import Bools, FlatDetections, Ints

RIGHT = "right"
CONFUSED = "confused"
DOUBLED = "doubled"
MISPLACED = "misplaced"
BACKGROUND = "background"
KINDS = (RIGHT, CONFUSED, DOUBLED, MISPLACED, BACKGROUND)


@dataclass(frozen=True, eq=False)
class Errors:
    """Attributes:
    kind: [D] one of ``KINDS`` for each detection kept, "" for those below the threshold.
    missed: [G] birds no kept detection found.
    """

    kind: NDArray[np.str_]
    missed: Bools

    def counts(self) -> dict[str, int]:
        """How many of each kind; ``right`` and ``missed`` included."""
        kinds = {kind: int((self.kind == kind).sum()) for kind in KINDS}
        return {**kinds, "missed": int(self.missed.sum())}

    def per_photo(self, pool: FlatDetections) -> pd.DataFrame:
        """[photos] rows with ``confused``, ``doubled``, ``misplaced``, ``background``."""
        columns = {kind: pool.per_photo(self.kind == kind) for kind in KINDS[1:]}
        return pd.DataFrame(columns)


def find_errors(pool: FlatDetections, kept: Bools, found: Ints, iou: float) -> Errors:
    """Name every mistake.

    Args:
        kept: [D] detections above the threshold.
        found: [D] true box each detection matched at ``iou``, -1 if none.
    """
    same = pool.detection_label[pool.pair_detection] == pool.truth_label[pool.pair_truth]
    close = pool.pair_iou >= iou
    kind = np.full(len(kept), BACKGROUND, dtype="<U10")
    # Later lines overrule earlier ones: the nearest explanation wins.
    kind[pool.pair_detection] = MISPLACED
    kind[pool.pair_detection[close & ~same]] = CONFUSED
    kind[pool.pair_detection[close & same]] = DOUBLED
    kind[found >= 0] = RIGHT
    kind[~kept] = ""
    missed = np.ones(len(pool.truth_label), dtype=bool)
    missed[found[kept & (found >= 0)]] = False
    return Errors(kind, missed)
