"""Pandera schemas of the two tables as they are in the files, and what their failures mean.

Every rule is one named pandera check, so a failure case leads straight to a rule of ``RULES``.
Cells come as text; ranges are checked on a second schema over the numbers they hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from sparrow.config import DataConfig
from sparrow.data.checks.report import RuleViolation, rule_violation
from sparrow.data.formats.csv import BOXES_CSV, CAMERA_CSV

INFO_NUMBERS = ("Number_HSparrows",)
BOX_NUMBERS = ("bbox_x", "bbox_y", "bbox_width", "bbox_height", "image_width", "image_height")
LONGEST_NAME_BYTES = 200  # file systems take 255; room for a suffix while writing

_COLUMN_RULES = {"column_in_dataframe": "column-missing", "column_in_schema": "column-unknown"}


@dataclass(frozen=True)
class TableSchemas:
    """What is legal in one table: in its cells as text, and in the numbers they hold."""

    cells: pa.DataFrameSchema
    numbers: pa.DataFrameSchema
    number_columns: tuple[str, ...]


def info_schemas(config: DataConfig) -> TableSchemas:
    """The photo table."""

    def legal(count: pd.Series) -> pd.Series:
        whole = count % 1 == 0
        return whole & count.between(config.min_boxes_per_photo, config.max_boxes_per_photo)

    cells = {
        "Name": [*_name_checks(config), _check("name-duplicate", _unique)],
        "Author": [],
        "Number_HSparrows": [_check("value-not-a-number", is_number)],
        "Source": _allowed("source-unknown", config.sources),
        "License": _allowed("license-unknown", config.licenses),
    }
    numbers = _numbers({"Number_HSparrows": _check("count-range", legal)})
    may_be_there = {CAMERA_CSV: pa.Column(nullable=True, required=False)}
    return TableSchemas(_schema(cells).add_columns(may_be_there), numbers, INFO_NUMBERS)


def box_schemas(config: DataConfig) -> TableSchemas:
    """The box table: positions from 0 to the largest side, sizes above 0 and up to it."""
    top = config.max_side_px
    number = [_check("value-not-a-number", is_number)]
    position = _check("position-range", lambda value: value.between(0, top))
    size = _check("box-size-range", lambda value: (value > 0) & (value <= top))
    photo = _check("photo-size-range", lambda value: (value > 0) & (value <= top))
    cells: dict[str, list[pa.Check]] = dict.fromkeys(BOXES_CSV, number)
    cells["label_name"] = _allowed("class-unknown", config.classes or None)
    cells["image_name"] = _name_checks(config)
    rules = (position, position, size, size, photo, photo)
    numbers = _numbers(dict(zip(BOX_NUMBERS, rules, strict=True)))
    return TableSchemas(_schema(cells), numbers, BOX_NUMBERS)


def as_numbers(raw: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """The number columns as float64; what is missing or no finite number becomes NaN."""
    numbers = {column: to_number(raw[column]) for column in columns if column in raw}
    return pd.DataFrame(numbers, index=raw.index)


def to_number(cells: pd.Series) -> pd.Series:
    """Each cell as float64, NaN where it holds no finite number."""
    if pd.api.types.is_numeric_dtype(cells):
        numbers = cells.to_numpy(dtype="float64", na_value=np.nan)
    else:
        # Once per distinct text: pixel numbers are few, boxes are many.
        codes, texts = pd.factorize(cells)
        values = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce")
        numbers = np.append(values.to_numpy(dtype="float64"), np.nan)[codes]
    return pd.Series(np.where(np.isfinite(numbers), numbers, np.nan), index=cells.index)


def check_schema(
    schema: pa.DataFrameSchema, table: pd.DataFrame, file: str, images: pd.Series
) -> list[RuleViolation]:
    """Validate lazily and translate pandera's failure cases.

    Args:
        file: the table's file, as it is named in the violations.
        images: photo name of each row of ``table`` (same index), for the violations.
    """
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return []
    violations = []
    for check, group in cases.groupby("check", sort=False):
        if check in _COLUMN_RULES:
            values = group["failure_case"]
            violation = rule_violation(
                _COLUMN_RULES[check], file, [1] * len(group), [""] * len(group), values
            )
        else:
            index = group["index"].astype("int64")
            values = group["column"].astype(str) + ": " + group["failure_case"].astype(str)
            rows = line_numbers(table).loc[index]
            violation = rule_violation(str(check), file, rows, images.loc[index], values)
        violations.append(violation)
    return [violation for violation in violations if violation is not None]


def line_numbers(table: pd.DataFrame) -> pd.Series:
    """Line number in the file of each row: the header is line 1."""
    return pd.Series(np.asarray(table.index, dtype="int64") + 2, index=table.index)


def is_number(cells: pd.Series) -> pd.Series:
    """Which cells are empty or hold a finite number."""
    return to_number(cells).notna() | is_missing(cells)


def is_missing(cells: pd.Series) -> pd.Series:
    """Which cells are empty, blanks included."""
    if pd.api.types.is_numeric_dtype(cells):
        return cells.isna()
    return cells.isna() | _by_value(cells, lambda values: values.str.strip() == "")


def _schema(columns: dict[str, list[pa.Check]]) -> pa.DataFrameSchema:
    filled = _check("value-missing", lambda cells: ~is_missing(cells), ignore_na=False)
    return pa.DataFrameSchema(
        {
            name: pa.Column(checks=[filled, *checks], nullable=True)
            for name, checks in columns.items()
        },
        strict=True,
    )


def _numbers(checks: dict[str, pa.Check]) -> pa.DataFrameSchema:
    # A column that is missing was reported by the text schema.
    return pa.DataFrameSchema(
        {
            name: pa.Column(checks=check, nullable=True, required=False)
            for name, check in checks.items()
        }
    )


def _check(rule: str, passes: Callable[[pd.Series], Any], ignore_na: bool = True) -> pa.Check:
    return pa.Check(passes, name=rule, error=rule, ignore_na=ignore_na)


def _allowed(rule: str, values: tuple[str, ...] | None) -> list[pa.Check]:
    if values is None:
        return []
    return [_check(rule, lambda cells: cells.isin(values) | is_missing(cells))]


def _name_checks(config: DataConfig) -> list[pa.Check]:
    endings = tuple(extension.lower() for extension in config.extensions)

    def ends_well(names: pd.Series) -> pd.Series:
        return names.str.lower().str.endswith(endings) | (names.str.strip() == "")

    return [
        _check("name-not-a-file-name", lambda cells: _by_value(cells, is_file_name)),
        _check("name-extension", lambda cells: _by_value(cells, ends_well)),
    ]


def is_file_name(names: pd.Series) -> pd.Series:
    """Which texts are plain file names: no folder, no invisible character, not hidden, not long."""
    return names.map(
        lambda name: (
            not name.startswith(".")
            and not set(name) & set("/\\")
            and name.isprintable()
            and len(name.encode(errors="replace")) <= LONGEST_NAME_BYTES
        )
    ).astype(bool)


def _unique(names: pd.Series) -> pd.Series:
    return ~names.duplicated(keep=False) | is_missing(names)


def _by_value(cells: pd.Series, test: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """A test of text run once per distinct value: a million boxes name far fewer photos."""
    codes, values = pd.factorize(cells)
    passes = test(pd.Series(values, dtype=object).astype(str)).to_numpy(dtype=bool)
    return pd.Series(np.append(passes, False)[codes], index=cells.index)  # code -1: missing
