"""The columns of several classes: safe, and never two of one name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sparrow.inference.count_formats import ROW_COLUMNS, columns_by_class, csv_text, row
from sparrow.predictions.class_columns import class_columns
from sparrow.predictions.record import ClassCount, PredictionRecord


@pytest.mark.parametrize("names", [(), ("robin",)])
def test_one_class_needs_none(names: tuple[str, ...]) -> None:
    assert class_columns(names) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("robin", "wren"), ["count_robin", "count_wren"]),
        (("house sparrow", "=cmd|' /C"), ["count_house_sparrow", "count_cmd_C"]),
        (("麻雀", "Spatz groß"), ["count_麻雀", "count_Spatz_groß"]),
        (("a b", "a-b", "a_b"), ["count_a_b", "count_a_b_2", "count_a_b_3"]),
        (("tit", "tit_low"), ["count_tit", "count_tit_low_2"]),
        (("Wren", "wren"), ["count_Wren", "count_wren_2"]),  # many databases fold the case
        (("low", "is_minimum"), ["count_low_2", "count_is_minimum_2"]),  # of the whole photo
        (("?", "!"), ["count_class", "count_class_2"]),
    ],
)
def test_names_are_safe_and_unique(names: tuple[str, ...], expected: list[str]) -> None:
    columns = class_columns(names, ROW_COLUMNS)
    assert [column.count for column in columns] == expected
    every = [*ROW_COLUMNS, *(name for column in columns for name in column.names)]
    assert len({name.casefold() for name in every}) == len(every)


def test_a_table_holds_what_is_known() -> None:
    photo = PredictionRecord("a", datetime(2026, 5, 1, tzinfo=UTC), "cli", "m", "1", "a.jpg")
    counts = (ClassCount("robin", 2, 1, None), ClassCount("wren", 0, None, None))
    by_class = columns_by_class(["robin", "wren"])
    rows = [row(one, by_class) for one in (photo, replace(photo, class_counts=counts))]
    header, unreadable, counted = csv_text(rows, by_class).splitlines()
    assert header.endswith(
        ",count_robin,count_robin_low,count_robin_high,count_wren,count_wren_low,count_wren_high"
    )
    assert unreadable.endswith(",,,,,,")
    assert counted.endswith(",2,1,,0,,")
