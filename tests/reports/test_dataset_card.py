"""The card tells what is in the tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.split.report import report_split
from sparrow.data.tables import data_version
from sparrow.reports.dataset_card import dataset_card


@pytest.fixture(scope="module")
def dataset(drawn_dataset, tmp_path_factory):
    """The 24 drawn photos, every fourth a test photo, whoever took it."""
    config = DataConfig(root=str(drawn_dataset), prepared=str(tmp_path_factory.mktemp("cache")))
    checked = check_dataset(drawn_dataset, config).dataset
    images = checked.images.copy()
    images["split"] = ["test" if row % 4 == 0 else "train" for row in range(len(images))]
    return replace(checked, images=images)


def test_counts_licences_and_sides(dataset):
    text = dataset_card("garden", dataset, report_split(dataset, 0)).markdown
    birds = len(dataset.boxes)
    assert text.startswith("# Data of garden\n")
    assert f"24 photos by {dataset.images['author'].nunique()} authors with {birds} boxes" in text
    assert f"`{data_version(dataset)}`" in text
    assert "| [CC0 1.0 Universal (CC0 1.0) Public Domain Dedication](" in text
    assert "| photos | 18 | 6 |" in text  # train, test


def test_a_split_that_leaks_is_not_praised(dataset):
    assert dataset.images.groupby("author")["split"].nunique().max() > 1
    text = dataset_card("garden", dataset, report_split(dataset, 0)).markdown
    assert "group(s) are in more than one split" in text
    clean = dataset.images.assign(author=[f"author {row}" for row in range(24)])
    honest = replace(dataset, images=clean)
    text = dataset_card("garden", honest, report_split(honest, 0)).markdown
    assert "No author, no near-duplicate picture and no visit of a camera is in" in text


def test_a_set_without_boxes_has_a_card_too(dataset):
    empty = replace(dataset, images=dataset.images.assign(n_boxes=0), boxes=dataset.boxes.iloc[:0])
    text = dataset_card("nothing", empty, report_split(empty, 0)).markdown
    assert "24 photos show none" in text
    assert "| box width, px | – |" in text
