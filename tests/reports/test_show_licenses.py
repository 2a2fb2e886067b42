"""A photo whose licence is not listed in data.show_licenses is in no page, card or sheet."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sparrow.config import Config, EvaluationConfig, make_config
from sparrow.data.checks.label_errors import label_error_candidates
from sparrow.data.checks.report import CheckReport, RuleViolation
from sparrow.data.checks.run import check_dataset
from sparrow.data.licences import shown_photos
from sparrow.data.split.groups import with_groups
from sparrow.data.split.report import report_split
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.evaluate import evaluate
from sparrow.evaluation.matching import flatten
from sparrow.evaluation.scored import Scored
from sparrow.pipeline.explore import explore_data
from sparrow.reports.checks import report_html
from sparrow.reports.data_pages import explore_html, split_report_html
from sparrow.reports.evaluation_pictures import example_of, mistake_pictures
from sparrow.reports.label_errors import label_errors_html

FREE, OTHER = "CC0 1.0", "CC BY 2.0"


def show(*licences: str) -> Config:
    return make_config({"data": {"show_licenses": list(licences)}})


@pytest.fixture(scope="module")
def photos(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """24 drawn photos: every fourth a test photo, every third free."""
    data = Config().data.model_copy(update={"prepared": str(tmp_path_factory.mktemp("cache"))})
    checked = check_dataset(drawn_dataset, data).dataset
    images = checked.images.assign(
        license=[FREE if row % 3 == 0 else OTHER for row in range(24)],
        split=["test" if row % 4 == 0 else "train" for row in range(24)],
    )
    return with_groups(replace(checked, images=images))


@pytest.fixture(scope="module")
def nothing_found(photos: Dataset) -> Scored:
    test = photos.subset("test")
    unseen = {name: Detections.empty() for name in test.images["image"]}
    flat = flatten(test, unseen, Config().data.classes)
    evaluation = evaluate(flat, 0.5, EvaluationConfig(bootstrap_samples=20))
    return Scored(evaluation, flat, unseen, 1.0, 1, {}, None)


def test_no_limit_shows_all_and_an_empty_list_none(photos: Dataset) -> None:
    assert shown_photos(photos, None) is photos
    assert set(shown_photos(photos, [FREE]).images["license"]) == {FREE}
    assert shown_photos(photos, []).boxes.empty


def test_a_first_look(photos: Dataset) -> None:
    page = explore_html(photos, [FREE])
    assert page.count("<li>") == 8
    assert OTHER not in page.split("Contact sheet")[1]
    page = explore_html(photos, [])
    assert 'class="sheet"' not in page
    assert "No photo may be shown here" in page


def test_the_closest_pairs_of_a_split(photos: Dataset) -> None:
    report: Any = report_split(photos, 0) | {"seed": 0, "imbalance": 0.0, "kept_their_side": 0}
    pairs = len(report["closest_pairs"])
    assert pairs
    none = split_report_html(report, photos, [])
    assert none.count("not shown (data.show_licenses)") == 2 * 2 * pairs  # caption and alt
    assert "not shown" not in split_report_html(report, photos)
    blank = re.findall(r"base64,([^\"]+)", none)
    assert len(set(blank)) == 1


def test_labels_worth_a_second_look(photos: Dataset, nothing_found: Scored) -> None:
    test = photos.subset("test")
    candidates = label_error_candidates(test, nothing_found.detections, 0.5)
    every = label_errors_html(candidates, test, "A model")
    some = label_errors_html(candidates, test, "A model", [FREE])
    named = set(candidates["image"])
    free = named & set(shown_photos(test, [FREE]).images["image"])
    assert 0 < len(free) < len(named)
    assert every.count("<img") == len(named)
    assert some.count("<img") == len(free)
    assert "Not shown, because their licence is not among" in some


def test_the_example_and_the_worst_mistakes(photos: Dataset, nothing_found: Scored) -> None:
    example = example_of(show(FREE), photos, nothing_found)
    assert example is not None
    assert example.photo["license"] == FREE
    assert example_of(show(), photos, nothing_found) is None
    assert list(mistake_pictures(show(FREE), photos, nothing_found)) == ["Worst misses"]
    assert mistake_pictures(show(), photos, nothing_found) == {}


def test_the_page_of_the_checks(drawn_dataset: Path) -> None:
    table = pd.read_csv(drawn_dataset / "image_info.csv")
    name, license = str(table["Name"][0]), str(table["License"][0])
    rows = pd.DataFrame([("image_info.csv", 1, name, "x")], columns=["table", "row", "image", "is"])
    report = CheckReport(
        str(drawn_dataset), (RuleViolation("rule", "warning", "Odd", rows),), 24, 0
    )
    assert report_html(report, drawn_dataset).count("<img") == 1
    assert report_html(report, drawn_dataset, "", [license]).count("<img") == 1
    page = report_html(report, drawn_dataset, "", ["MIT"])
    assert "<img" not in page
    assert "shown under MIT alone (data.show_licenses)" in page
    # Of broken tables nothing is known, so nothing is shown.
    assert "<img" not in report_html(report, drawn_dataset, "new_", [license])


def test_the_card_of_the_data_shows_training_photos_alone(photos: Dataset, tmp_path: Path) -> None:
    card, plots = explore_data(show(FREE), photos, report_split(photos, 0), tmp_path)
    text = (tmp_path / "cards" / "dataset-card.md").read_text()
    assert text == card.markdown
    test = photos.subset("test").images["image"]
    assert not [name for name in test if name in text]
    train = shown_photos(photos.subset("train"), [FREE]).images
    assert text.count("modified: made small, boxes drawn in") == len(train) == 6
    for link in re.findall(r"\]\((figures/[^)]+)\)", text):
        assert (tmp_path / "cards" / link).stat().st_size > 1000
    assert len(plots) == 8
    # Whatever the test photos are like, and whoever may see photos, the plots are the same.
    moved = photos.images.assign(
        n_boxes=np.where(photos.images["split"] == "test", 99, photos.images["n_boxes"])
    )
    other, report = replace(photos, images=moved), report_split(photos, 0)
    none, again = explore_data(show(), other, report, tmp_path)
    assert again == plots
    assert "No photo may be shown here" in none.markdown
    assert "figures/contact-sheet.png" not in none.files
