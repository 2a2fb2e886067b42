"""Two states compared: nothing changed, and each kind of change under its name."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.ingest.changes import Changes, changes
from sparrow.data.tables import Dataset


def test_of_no_state_and_of_the_same_in_another_order(config: DataConfig, photos: Any) -> None:
    data = check_dataset(photos.write(), config).dataset
    empty = Dataset(data.root, data.images.iloc[:0], data.boxes.iloc[:0])
    assert changes(None, empty) == Changes((), (), ())
    assert changes(empty, data) == changes(None, data)
    assert len(changes(None, data).added) == 6
    shuffled = Dataset(data.root, data.images[::-1].assign(split="test"), data.boxes[::-1])
    assert changes(data, shuffled) == Changes((), (), ())


def test_each_kind_of_change_is_named(config: DataConfig, photos: Any) -> None:
    data = check_dataset(photos.write(), config).dataset
    images, boxes = data.images.iloc[1:].copy(), data.boxes.copy()
    images.loc[3, "author"] = "somebody else"
    images.loc[4, "sha256"] = "another file"
    boxes.loc[boxes["image"] == "photo002.png", "x_max_px"] += 1
    more = pd.concat([images, images.iloc[[0]].assign(image="more.png")], ignore_index=True)
    found = changes(data, Dataset(data.root, more, boxes))
    assert found.added == ("more.png",)
    assert found.removed == ("photo000.png",)
    assert found.corrected == ("photo002.png", "photo003.png", "photo004.png")
