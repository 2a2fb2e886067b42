"""Do the two tables, the photo files and the photos' real sizes agree? All of it vectorised.

Every function takes ``Tables`` and gives violations; none of them loops over rows.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.config import DataConfig
from sparrow.data.checks.compared_tables import Tables, of_boxes, of_photos
from sparrow.data.checks.portable_names import check_portable_names
from sparrow.data.checks.repeated import repeated_boxes, repeated_photos
from sparrow.data.checks.report import RuleViolation, rule_violation
from sparrow.data.repeats import TOLERANCE_PX
from sparrow.plain_text import escape_bytes

# No table can hold such a name: tables are UTF-8.
NO_TEXT = "(bytes that are no UTF-8; rename the file)"


def check_names(tables: Tables, files: Collection[str]) -> list[RuleViolation | None]:
    """Files = names in the photo table = names in the box table."""
    listed = pd.Index(tables.names)
    absent = ~listed.isin(list(files)) & (tables.names != "")
    unlisted = sorted(set(files) - set(listed))
    return [
        rule_violation(
            "photo-missing",
            tables.info_file,
            tables.info_rows[absent],
            tables.names[absent],
            ["no such file in images/"] * int(absent.sum()),
        ),
        rule_violation(
            "photo-unlisted", "images", [0] * len(unlisted), [*map(escape_bytes, unlisted)],
            ["" if escape_bytes(name) == name else NO_TEXT for name in unlisted],
        ),
        check_portable_names(tables),
    ]  # fmt: skip


def check_boxes(tables: Tables, config: DataConfig) -> list[RuleViolation | None]:
    """Boxes against their photo's recorded frame, against each other, and the counts."""
    lost = (tables.photo_of_box < 0) & (tables.box_names != "")
    too_many, few = _too_many(tables, config.max_boxes_per_photo)
    return [
        too_many,
        of_boxes(tables, "box-without-photo", lost, tables.box_names[lost]),
        _outside(tables),
        _size_disagrees(tables),
        _count_wrong(tables),
        *repeated_boxes(tables, few, config.same_box_iou),
        _tiny(tables, config.tiny_box_px),
        _huge(tables, config.huge_box_fraction),
    ]


def check_measured(
    tables: Tables, measured: pd.DataFrame, config: DataConfig
) -> list[RuleViolation | None]:
    """Recorded against real sizes, unreadable photos, and photos that are there twice.

    Args:
        measured: of ``measure_photos``, for the photos that are there.
    """
    bad = (measured["error"] != "").to_numpy()
    names, errors = measured["image"].to_numpy()[bad], measured["error"].to_numpy()[bad]
    unreadable = of_photos(tables, "photo-unreadable", names, errors)
    return [
        unreadable,
        _size_wrong(tables, measured[~bad]),
        *repeated_photos(tables, measured[~bad], config.near_duplicate_bits),
    ]


def _outside(tables: Tables) -> RuleViolation | None:
    start, size = tables.xywh[:, :2], tables.xywh[:, 2:]
    beyond = (start < -TOLERANCE_PX) | (start + size > tables.recorded + TOLERANCE_PX)  # [B, 2]
    hit = np.flatnonzero(beyond.any(axis=1))
    values = [
        f"from {x:g}, {y:g} to {x + w:g}, {y + h:g} in a photo of {width:g} × {height:g}"
        for (x, y, w, h), (width, height) in zip(
            tables.xywh[hit], tables.recorded[hit], strict=True
        )
    ]
    rows, images = tables.box_rows[hit], tables.box_names[hit]
    return rule_violation("box-outside-photo", tables.boxes_file, rows, images, values)


def _size_disagrees(tables: Tables) -> RuleViolation | None:
    first = _first_of_photo(tables)
    differs = (np.abs(tables.recorded - tables.recorded[first]) > TOLERANCE_PX).any(axis=1)
    differs &= tables.photo_of_box >= 0
    return of_boxes(tables, "size-disagrees", differs, _size_texts(tables.recorded[differs]))


def _first_of_photo(tables: Tables) -> NDArray[np.int64]:
    """For each box, the number of the first box of the same photo."""
    numbers = np.arange(len(tables.photo_of_box))
    first = np.zeros(len(tables.names) + 1, dtype=np.int64)
    first[tables.photo_of_box[::-1]] = numbers[::-1]  # the last writer is the first box
    return first[tables.photo_of_box]


def _size_wrong(tables: Tables, measured: pd.DataFrame) -> RuleViolation | None:
    first = np.unique(_first_of_photo(tables))
    first = first[tables.photo_of_box[first] >= 0]
    real = measured.drop_duplicates("image").set_index("image")[["width_px", "height_px"]]
    real_sizes = real.reindex(tables.box_names[first]).to_numpy(dtype=float)
    recorded = tables.recorded[first]
    wrong = (np.abs(recorded - real_sizes) > TOLERANCE_PX).any(axis=1)
    turned = (np.abs(recorded - real_sizes[:, ::-1]) <= TOLERANCE_PX).all(axis=1)
    texts = zip(_size_texts(recorded), _size_texts(real_sizes), turned, strict=True)
    values = [
        f"recorded {a}, the upright photo is {b}" + (" (EXIF orientation overlooked?)" if t else "")
        for a, b, t in texts
    ]
    hit = first[wrong]
    return rule_violation(
        "size-wrong",
        tables.boxes_file,
        tables.box_rows[hit],
        tables.box_names[hit],
        np.asarray(values, dtype=object)[wrong],
    )


def _size_texts(sizes: NDArray[np.float64]) -> NDArray[np.object_]:
    unique, inverse = np.unique(sizes, axis=0, return_inverse=True)
    texts = np.array([f"{width:g} × {height:g}" for width, height in unique], dtype=object)
    return texts[inverse.reshape(-1)] if len(unique) else np.zeros(0, dtype=object)


def _count_wrong(tables: Tables) -> RuleViolation | None:
    known = tables.photo_of_box[tables.photo_of_box >= 0]
    drawn = np.bincount(known, minlength=len(tables.names))
    wrong = np.flatnonzero(np.isfinite(tables.counts) & (tables.counts != drawn))
    values = [f"the table says {tables.counts[i]:g}, boxes drawn: {drawn[i]}" for i in wrong]
    rows, images = tables.info_rows[wrong], tables.names[wrong]
    return rule_violation("count-wrong", tables.info_file, rows, images, values)


def _too_many(tables: Tables, most: int) -> tuple[RuleViolation | None, NDArray[np.bool_]]:
    """Photos with more than ``most`` boxes; and which boxes [B] are of the others."""
    known = tables.photo_of_box >= 0
    drawn = np.bincount(tables.photo_of_box[known], minlength=len(tables.names))
    crowded = drawn > most
    hit = np.flatnonzero(crowded)
    values = [f"{drawn[i]:,} boxes; at most {most:,} are accepted" for i in hit]
    rows, images = tables.info_rows[hit], tables.names[hit]
    violation = rule_violation("boxes-too-many", tables.info_file, rows, images, values)
    return violation, known & ~np.append(crowded, False)[tables.photo_of_box]


def _tiny(tables: Tables, min_side_px: float) -> RuleViolation | None:
    sides = tables.xywh[:, 2:]
    hit = (sides > 0).all(axis=1) & (sides.min(axis=1, initial=np.inf) < min_side_px)
    return of_boxes(tables, "box-tiny", hit, _size_texts(sides[hit]))


def _huge(tables: Tables, max_fraction: float) -> RuleViolation | None:
    sides = tables.xywh[:, 2:]
    hit = sides.prod(axis=1) > max_fraction * tables.recorded.prod(axis=1)
    return of_boxes(tables, "box-huge", hit, _size_texts(sides[hit]))
