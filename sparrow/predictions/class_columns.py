"""Columns of a table that hold a photo's counts by class; a model of one class needs none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from sparrow.predictions.record import PredictionRecord


@dataclass(frozen=True)
class ClassColumns:
    """Names of the columns of one class: its count, and both ends of its interval."""

    label: str
    count: str
    low: str
    high: str

    @property
    def names(self) -> tuple[str, str, str]:
        """All three, in the order of a table."""
        return self.count, self.low, self.high


def class_columns(class_names: Sequence[str], taken: Iterable[str] = ()) -> list[ClassColumns]:
    """``count_robin``, ``count_robin_low``, ``count_robin_high`` and so on; none for one class.

    Signs other than letters, digits and underscores become underscores. Where a name is taken
    already, in whatever case, the class has a number behind it: of the classes ``tit`` and
    ``tit_low`` the second one's count is ``count_tit_low_2``.

    Args:
        class_names: of the model, in its order.
        taken: columns of the table that are not of a class.
    """
    used = {name.casefold() for name in taken}
    columns = []
    for label in class_names if len(class_names) > 1 else ():
        stem = re.sub(r"\W+", "_", unicodedata.normalize("NFC", label)).strip("_") or "class"
        for number in count(1):
            name = f"count_{stem}" if number == 1 else f"count_{stem}_{number}"
            names = (name, f"{name}_low", f"{name}_high")
            if used.isdisjoint(name.casefold() for name in names):
                break
        used.update(name.casefold() for name in names)
        columns.append(ClassColumns(label, *names))
    return columns


def class_values(
    record: PredictionRecord, columns: Sequence[ClassColumns]
) -> dict[str, int | None]:
    """One photo's values of these columns; None where they are not known."""
    counts = {counted.label: counted for counted in record.class_counts}
    values: dict[str, int | None] = {}
    for column in columns:
        counted = counts.get(column.label)
        values[column.count] = None if counted is None else counted.count
        values[column.low] = None if counted is None else counted.low
        values[column.high] = None if counted is None else counted.high
    return values
