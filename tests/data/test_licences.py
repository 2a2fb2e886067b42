"""The licence ledger: nobody's photo goes out without a name, and filters keep what they say."""

from __future__ import annotations

from typing import Any

import pytest

from sparrow.config import DataConfig, SplitConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError
from sparrow.data.licences import (
    attribution,
    keep_licences,
    licence_counts,
    notice,
)
from sparrow.data.split.split import split_dataset
from sparrow.data.tables import Dataset
from sparrow.reports.dataset_card import licence_summary


@pytest.fixture
def dataset(config: DataConfig, photos: Any) -> Dataset:
    photos.info.loc[:3, "License"] = "BY"
    photos.info["Author"] = ["unknown", "unknown", "ann", "ann", "bob", "bob"]  # BY: 3 groups
    config = config.model_copy(update={"licenses": None})
    return check_dataset(photos.write(), config).dataset


def test_every_photo_is_in_the_notice(dataset: Dataset) -> None:
    text = notice(dataset)
    assert "BY (4)" in text
    assert "CC0 (2)" in text
    for row in dataset.images.to_dict("records"):
        assert f"{row['image']}: {row['author']} (Flickr)" in text
    line = attribution(dataset.images.iloc[0], "boxes drawn")
    assert line == "Photo photo000.png by unknown (Flickr), BY; boxes drawn"
    nobody = {"image": "a.jpg", **dict.fromkeys(("author", "source", "license"), "unknown")}
    assert attribution(nobody) == "Photo a.jpg: author, source and licence are unknown"


def test_the_summary_counts_photos_and_authors(dataset: Dataset) -> None:
    # BY: two photos by nobody known, two by ann, who is the one known author; CC0: both by bob.
    assert licence_summary(dataset).splitlines()[2:] == [
        "| BY | 4 | 1 |",
        "| [CC0](https://creativecommons.org/publicdomain/zero/1.0/) | 2 | 1 |",
    ]


def test_a_filter_keeps_photos_and_their_boxes(dataset: Dataset) -> None:
    assert keep_licences(dataset, None) is dataset
    assert licence_counts(dataset) == {"BY": 4, "CC0": 2}
    kept = keep_licences(dataset, ["CC0"])
    assert kept.images["image"].tolist() == ["photo004.png", "photo005.png"]
    assert set(kept.boxes["image"]) == {"photo004.png", "photo005.png"}
    split = split_dataset(dataset, SplitConfig(licenses=("BY",), tries=1), 0, 0).dataset
    assert set(split.images["license"]) == {"BY"}
    with pytest.raises(DataError, match=r"no photo is under MIT .* there are: BY, CC0"):
        keep_licences(dataset, ["MIT"])
