"""What kind of mistake each wrong box is.

After Bolya et al. 2020 (TIDE), in five kinds that cover every mistake at an operating threshold:

- classification: a false detection that overlaps (IoU >= t) an object of another class;
- duplicate: overlaps (IoU >= t) an object of its class that a better detection matches;
- localization: overlaps an object (any class) by ``MIN_PAIR_IOU`` or more, but by less than t;
- background: overlaps no object;
- missed: an object that no detection matches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.evaluation.matching import Bools, FlatDetections

RIGHT = "right"
CLASSIFICATION = "classification"
DUPLICATE = "duplicate"
LOCALIZATION = "localization"
BACKGROUND = "background"
KINDS = (RIGHT, CLASSIFICATION, DUPLICATE, LOCALIZATION, BACKGROUND)


@dataclass(frozen=True, eq=False)
class Errors:
    """The kind of every detection, and the objects that are missed.

    Attributes:
        kind: [D] one of ``KINDS`` for each detection kept, "" for those below the threshold.
        missed: [G] objects that no kept detection matches.
    """

    kind: NDArray[np.str_]
    missed: Bools

    def counts(self) -> dict[str, int]:
        """How many of each kind; ``right`` and ``missed`` included."""
        kinds = {kind: int((self.kind == kind).sum()) for kind in KINDS}
        return {**kinds, "missed": int(self.missed.sum())}

    def per_photo(self, flat: FlatDetections) -> pd.DataFrame:
        """[photos] rows with ``classification``, ``duplicate``, …."""
        columns = {kind: flat.per_photo(self.kind == kind) for kind in KINDS[1:]}
        return pd.DataFrame(columns)


def find_errors(flat: FlatDetections, kept: Bools, iou: float) -> Errors:
    """Name every mistake.

    Args:
        kept: [D] detections above the threshold.
        iou: at which a detection matches.
    """
    matched = flat.matched([iou])[0]
    same = flat.detection_label[flat.pair_detection] == flat.truth_label[flat.pair_truth]
    close = flat.pair_iou >= iou
    kind = np.full(len(kept), BACKGROUND, dtype=f"<U{max(map(len, KINDS))}")
    # Later lines overwrite earlier ones, in TIDE's order of precedence.
    kind[flat.pair_detection] = LOCALIZATION
    kind[flat.pair_detection[close & ~same]] = CLASSIFICATION
    kind[flat.pair_detection[close & same]] = DUPLICATE
    kind[matched >= 0] = RIGHT
    kind[~kept] = ""
    missed = np.ones(len(flat.truth_label), dtype=bool)
    missed[matched[kept & (matched >= 0)]] = False
    return Errors(kind, missed)
