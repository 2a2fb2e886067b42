"""Every kind of mistake, by hand."""

from __future__ import annotations

from sparrow.evaluation.errors import find_errors
from sparrow.evaluation.matching import flatten


def test_every_kind(make_dataset, found):
    birds = [
        ("sparrow", 0.0, 0.0, 10.0, 10.0),
        ("robin", 50.0, 0.0, 60.0, 10.0),
        ("sparrow", 100.0, 0.0, 110.0, 10.0),
    ]
    rows = [
        (1, 0.9, 0, 0, 10, 10),  # right
        (1, 0.8, 0, 0, 10, 9),  # the same bird again
        (1, 0.7, 50, 0, 60, 10),  # a robin taken for a sparrow
        (1, 0.6, 100, 0, 110, 4),  # IoU 0.4
        (1, 0.5, 200, 0, 210, 10),  # nothing there
        (1, 0.1, 100, 0, 110, 10),  # below the threshold: the third bird is missed
    ]
    dataset = make_dataset({"a.jpg": birds, "b.jpg": []})
    predictions = {"a.jpg": found(*rows), "b.jpg": found((2, 0.9, 0, 0, 5, 5))}
    pool = flatten(dataset, predictions, ["sparrow", "robin"])
    errors = find_errors(pool, pool.above(0.5), 0.5)
    kinds = ["right", "duplicate", "classification", "localization", "background", "", "background"]
    assert errors.kind.tolist() == kinds
    assert errors.missed.tolist() == [False, True, True]
    assert errors.counts()["missed"] == 2
    assert errors.per_photo(pool)["background"].tolist() == [1, 1]
