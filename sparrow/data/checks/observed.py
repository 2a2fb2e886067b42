"""What each rule required and what was observed, for the rules that hold as for the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.config import DataConfig
from sparrow.data import schemas
from sparrow.data.checks.compared_tables import Tables
from sparrow.data.checks.report import Observation
from sparrow.data.formats.csv import BOXES_CSV, CAMERA_CSV, INFO_CSV
from sparrow.plain_text import one_line

VALUES_SHOWN = 5
# Rules that compare the tables with each other or with the photos: both have to have all columns.
NEED_TABLES = frozenset(
    {
        "name-not-portable",
        "photo-missing", "photo-unlisted", "photo-unreadable", "box-without-photo",
        "box-outside-photo", "size-disagrees", "size-wrong", "count-wrong", "boxes-too-many",
        "box-duplicate", "box-drawn-twice", "box-tiny", "box-huge", "photo-duplicate",
        "photo-near-duplicate",
    }
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class CheckedTables:
    """What was checked.

    Attributes:
        info, boxes: the two tables as they are in the files.
        config: what is legal.
        tables: both compared; None where a column is missing.
        files: how many files ``images/`` holds.
    """

    info: pd.DataFrame
    boxes: pd.DataFrame
    config: DataConfig
    tables: Tables | None
    files: int = 0

    @cached_property
    def numbers(self) -> pd.DataFrame:
        """The number columns of the box table, NaN where illegible."""
        return schemas.as_numbers(self.boxes, schemas.BOX_NUMBERS)


def observe(checked: CheckedTables) -> dict[str, Observation]:
    """Of each rule that has more to say than how many rows break it."""
    observers: Mapping[str, Callable[[CheckedTables], Observation]] = _CELLS
    if checked.tables is not None:
        observers = {**_CELLS, **_COMPARED}
    observations = {}
    for rule, look in observers.items():
        try:
            observations[rule] = look(checked)
        except KeyError:  # its column is missing, which is a violation of its own
            observations[rule] = Observation("", "its column is missing", tested=False)
    for rule in NEED_TABLES if checked.tables is None else ():
        observations[rule] = Observation("", "a column is missing", tested=False)
    return observations


def _columns(checked: CheckedTables) -> Observation:
    wanted = [*INFO_CSV, *BOXES_CSV]
    there = [*checked.info.columns.intersection(list(INFO_CSV))]
    there += [*checked.boxes.columns.intersection(list(BOXES_CSV))]
    return Observation(", ".join(wanted), f"{len(there)} of {len(wanted)} columns")


def _no_other_column(checked: CheckedTables) -> Observation:
    others = [*checked.info.columns.difference([*INFO_CSV, CAMERA_CSV])]
    others += [*checked.boxes.columns.difference(list(BOXES_CSV))]
    return Observation("no other column", f"{len(others)} others")


def _rows(checked: CheckedTables) -> Observation:
    seen = f"{len(checked.info):,} photos, {len(checked.boxes):,} boxes"
    return Observation("at least one photo, and a box where one is counted", seen)


def _filled(checked: CheckedTables) -> Observation:
    cells = checked.info.size + checked.boxes.size
    empty = sum(
        int(schemas.is_missing(table[name]).sum())
        for table in (checked.info, checked.boxes)
        for name in table.columns.difference([CAMERA_CSV])
    )
    return Observation("no empty cell", f"{empty:,} of {cells:,} cells are empty")


def _legible(checked: CheckedTables) -> Observation:
    columns = [checked.info["Number_HSparrows"]]
    columns += [checked.boxes[name] for name in schemas.BOX_NUMBERS]
    wrong = sum(int((~schemas.is_number(cells)).sum()) for cells in columns)
    return Observation(f"numbers in {len(columns)} columns", f"{wrong:,} other cells")


def _file_names(checked: CheckedTables) -> Observation:
    longest = max(
        (len(str(name).encode(errors="replace")) for name in checked.info["Name"]), default=0
    )
    most = schemas.LONGEST_NAME_BYTES
    return Observation(f"plain names of at most {most} bytes", f"the longest has {longest} bytes")


def _endings(checked: CheckedTables) -> Observation:
    names = checked.info["Name"].astype(str).str.lower()
    endings = names.str.extract(r"(\.[^.]*)$")[0].fillna("none")
    return Observation(", ".join(checked.config.extensions), _values(endings))


def _different_names(checked: CheckedTables) -> Observation:
    names = checked.info["Name"]
    return Observation("each name once", f"{names.nunique():,} names in {len(names):,} rows")


def _counts(checked: CheckedTables) -> Observation:
    config = checked.config
    counts = schemas.to_number(checked.info["Number_HSparrows"])
    required = f"whole numbers, {config.min_boxes_per_photo:,} to {config.max_boxes_per_photo:,}"
    return Observation(required, _range(counts))


def _allowed(column: str, table: str, key: str) -> Callable[[CheckedTables], Observation]:
    def look(checked: CheckedTables) -> Observation:
        values = getattr(checked.config, key)
        required = "any" if values is None else "; ".join(values)
        return Observation(required, _values(getattr(checked, table)[column].astype(str)))

    return look


def _ranges(words: str, *columns: str) -> Callable[[CheckedTables], Observation]:
    def look(checked: CheckedTables) -> Observation:
        seen = "; ".join(f"{name} {_range(checked.numbers[name])}" for name in columns)
        return Observation(words.format(top=f"{checked.config.max_side_px:,}"), seen)

    return look


_CELLS: dict[str, Callable[[CheckedTables], Observation]] = {
    "column-missing": _columns,
    "column-unknown": _no_other_column,
    "table-empty": _rows,
    "value-missing": _filled,
    "value-not-a-number": _legible,
    "name-not-a-file-name": _file_names,
    "name-extension": _endings,
    "name-duplicate": _different_names,
    "count-range": _counts,
    "source-unknown": _allowed("Source", "info", "sources"),
    "license-unknown": _allowed("License", "info", "licenses"),
    "class-unknown": _allowed("label_name", "boxes", "classes"),
    "position-range": _ranges("0 to {top} px", "bbox_x", "bbox_y"),
    "box-size-range": _ranges("above 0, at most {top} px", "bbox_width", "bbox_height"),
    "photo-size-range": _ranges("above 0, at most {top} px", "image_width", "image_height"),
}


def _files(checked: CheckedTables) -> Observation:
    return Observation("every file is named in the table", f"{checked.files:,} files")


def _reach(checked: CheckedTables) -> Observation:
    tables = _compared(checked)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = (tables.xywh[:, :2] + tables.xywh[:, 2:]) / tables.recorded
    across, down = (_most(reach[:, axis]) for axis in (0, 1))
    return Observation(
        "within the photo", f"boxes end at {across} of the width, {down} of the height"
    )


def _sums(checked: CheckedTables) -> Observation:
    counted = np.nansum(_compared(checked).counts)
    return Observation("equal", f"{counted:,.0f} written down, {len(checked.boxes):,} boxes")


def _most_boxes(checked: CheckedTables) -> Observation:
    photo = _compared(checked).photo_of_box
    most = int(np.bincount(photo[photo >= 0], minlength=1).max())
    return Observation(f"at most {checked.config.max_boxes_per_photo:,}", f"at most {most:,}")


def _smallest(checked: CheckedTables) -> Observation:
    sides = _compared(checked).xywh[:, 2:].min(axis=1, initial=np.inf)
    known = sides[np.isfinite(sides)]
    seen = f"the shortest is {known.min():.1f} px" if len(known) else "no box"
    return Observation(f"sides of at least {checked.config.tiny_box_px:g} px", seen)


def _largest(checked: CheckedTables) -> Observation:
    tables = _compared(checked)
    with np.errstate(divide="ignore", invalid="ignore"):
        covered = tables.xywh[:, 2:].prod(axis=1) / tables.recorded.prod(axis=1)
    required = f"at most {checked.config.huge_box_fraction:.0%} of the photo"
    return Observation(required, f"the largest covers {_most(covered)}")


def _unlike(checked: CheckedTables) -> Observation:
    bits = checked.config.near_duplicate_bits
    return Observation(f"more than {bits} of 64 bits apart (else grouped by the split)", "")


def _overlap(checked: CheckedTables) -> Observation:
    return Observation(f"an IoU below {checked.config.same_box_iou:g}", "")


_COMPARED: dict[str, Callable[[CheckedTables], Observation]] = {
    "photo-unlisted": _files,
    "box-outside-photo": _reach,
    "count-wrong": _sums,
    "boxes-too-many": _most_boxes,
    "box-drawn-twice": _overlap,
    "box-tiny": _smallest,
    "box-huge": _largest,
    "photo-near-duplicate": _unlike,
}


def _compared(checked: CheckedTables) -> Tables:
    assert checked.tables is not None  # noqa: S101 ``observe`` asks only then
    return checked.tables


def _most(fractions: NDArray[np.float64]) -> str:
    known = fractions[np.isfinite(fractions)]
    return f"{known.max():.1%}" if len(known) else "–"


def _range(numbers: pd.Series) -> str:
    known = numbers.dropna()
    return f"{known.min():g} to {known.max():g}" if len(known) else "none"


def _values(cells: pd.Series) -> str:
    counts = cells.value_counts()
    shown = "; ".join(f"{one_line(str(v))} ({n:,})" for v, n in counts[:VALUES_SHOWN].items())
    more = len(counts) - VALUES_SHOWN
    return (shown + (f"; {more:,} more" if more > 0 else "")) or "none"
