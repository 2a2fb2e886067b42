"""The picture of a confusion matrix, of a few classes and of many."""

from __future__ import annotations

import numpy as np
import pytest

from sparrow.evaluation.confusion import Confusion
from sparrow.reports.confusion_figure import confusion_png


@pytest.mark.parametrize(
    "names",
    [
        ("goose", "raccoon"),
        ("Großer: Vogel", "麻雀", "a$b$", "x" * 100),  # a letter without a glyph would warn
        tuple(f"class number {number}" for number in range(60)),
    ],
)
def test_any_names_and_number_of_classes_can_be_drawn(names: tuple[str, ...]) -> None:
    counts = np.arange((len(names) + 1) ** 2).reshape(len(names) + 1, -1)
    assert confusion_png(Confusion(names, counts)).startswith(b"\x89PNG")
    assert confusion_png(Confusion(names, counts * 0)).startswith(b"\x89PNG")
