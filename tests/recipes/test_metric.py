"""The recipe "a metric": it is in the evaluation with its interval, and its value is right."""

from __future__ import annotations

import pytest


def test_it_appears_in_the_evaluation(follow, photos, write_small_model, tmp_path):
    model = write_small_model(tmp_path / "model")  # counts two in every photo
    recipe = follow("A metric")
    assert len(recipe.files) == 1
    import sparrow

    # Photos with 0, 1, 2, 0, 1 and 2 boxes: the count is off by 2, 1, 0, 2, 1 and 0.
    headline = sparrow.evaluate(sparrow.load(model), sparrow.Dataset.read(photos.write())).headline
    assert headline["count_within_one"].value == pytest.approx(4 / 6)
    assert headline["count_exact"].value == pytest.approx(2 / 6)
    assert headline["count_mae"].value == pytest.approx(6 / 6)
    interval = headline["count_within_one"]
    assert interval.low <= interval.value <= interval.high
