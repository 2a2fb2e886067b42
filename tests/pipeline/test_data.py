"""What a run leaves about its data: pages, comparisons, and label-error candidates."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparrow.config import Config, make_config, with_values
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError
from sparrow.data.formats.exchange import export_dataset, read_csv
from sparrow.data.formats.imports import Target, import_set
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.split.assignments import load_assignments
from sparrow.data.split.split import split_dataset
from sparrow.data.synthetic.generate import generate_dataset
from sparrow.data.synthetic.settings import SyntheticSettings
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.pipeline import data as stages
from sparrow.pipeline.split import split_photos
from sparrow.reports.dataset_card import dataset_card


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests: the same photos are measured once."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture
def config(tmp_path: Path, drawn_dataset: Path, prepared: Path) -> Config:
    """A config whose raw set is a copy of the drawn photos."""
    shutil.copytree(drawn_dataset, tmp_path / "raw")
    folders = {name: str(tmp_path / name) for name in ("raw", "new", "rejected")}
    data = {"root": folders.pop("raw"), **folders, "prepared": str(prepared)}
    return make_config({"data": data, "stores": {"champion": str(tmp_path / "champion")}})


def silent(done: int, total: int) -> None:
    """Progress of nobody."""


def raw(config: Config) -> Dataset:
    return check_dataset(Path(config.data.root), config.data).dataset


def test_nothing_new_leaves_the_set_and_no_page(config: Config, tmp_path: Path) -> None:
    before = raw(config)
    outcome = stages.ingest_and_compare(config, before, tmp_path / "pages", silent)
    assert (outcome.dataset, outcome.comparison, outcome.pages) == (before, None, [])
    assert not (tmp_path / "pages").exists()


def test_new_photos_are_merged_and_compared(config: Config, tmp_path: Path) -> None:
    before = raw(config)
    generate_dataset(Path(config.data.new), SyntheticSettings(5, seed=8, prefix="new_"))
    outcome = stages.ingest_and_compare(config, before, tmp_path / "pages", silent)
    assert len(outcome.dataset.images) == 29
    assert outcome.comparison.verdict == "too few photos"  # five say nothing about drift
    # No champion, no candidates.
    assert [page.name for page in outcome.pages] == ["report.html", "comparison.html"]
    verdict = json.loads((tmp_path / "pages" / "new" / "drift.json").read_text())
    assert verdict["photos"] == [24, 5]


def test_new_photos_that_differ_are_not_merged_until_the_config_accepts_it(
    config: Config, tmp_path: Path
) -> None:
    before = raw(config)
    generate_dataset(Path(config.data.new), SyntheticSettings(30, seed=8, prefix="new_"))
    copied = next(Path(config.data.root, "images").iterdir())
    info = Path(config.data.new, "new_image_info.csv")
    table = pd.read_csv(info)
    shutil.copy(copied, Path(config.data.new, "images", "copy.jpg"))
    row = pd.read_csv(Path(config.data.root, "image_info.csv")).set_index("Name").loc[copied.name]
    boxes = pd.read_csv(Path(config.data.root, "bboxes", "bounding_boxes.csv"))
    own = boxes[boxes["image_name"] == copied.name].assign(image_name="copy.jpg")
    new_boxes = Path(config.data.new, "bboxes", "new_bounding_boxes.csv")
    pd.concat([pd.read_csv(new_boxes), own]).to_csv(new_boxes, index=False)
    added = pd.DataFrame([{**row.to_dict(), "Name": "copy.jpg"}])
    pd.concat([table, added])[list(table)].to_csv(info, index=False)
    with pytest.raises(DataError, match=r"new-shared-photos(.|\n)*Nothing was merged") as refused:
        stages.ingest_and_compare(config, before, tmp_path / "pages", silent)
    assert f"{copied.name} and copy.jpg are the same file" in str(refused.value)
    assert "checks: {accept: [new-shared-photos]}" in str(refused.value)
    assert len(raw(config).images) == len(before.images)
    assert (Path(config.data.new) / "images" / "copy.jpg").is_file()  # not moved to data.rejected
    assert "same file" in (tmp_path / "pages" / "new" / "comparison.html").read_text()
    accepting = with_values(config, {"checks.accept": ["new-shared-photos"]})
    outcome = stages.ingest_and_compare(accepting, before, tmp_path / "pages", silent)
    assert (len(outcome.result.accepted), outcome.result.skipped_known) == (30, 1)
    assert "accepted   new-shared-photos" in "\n".join(outcome.lines())


def test_after_a_kill_the_merged_photos_are_not_overlooked(config: Config, tmp_path: Path) -> None:
    before = raw(config)
    generate_dataset(Path(config.data.new), SyntheticSettings(5, seed=8, prefix="new_"))
    ingest_new(config.data)  # the step was killed here, and is run again by `resume`
    outcome = stages.ingest_and_compare(config, before, tmp_path / "pages", silent)
    assert len(outcome.dataset.images) == 29


def test_a_raw_set_has_its_page_and_a_split_its_report(config: Config, tmp_path: Path) -> None:
    checked, page = stages.check_raw(config, tmp_path / "pages", silent)
    assert json.loads(page.with_name("report.json").read_text())["ok"]
    result = split_dataset(checked.dataset, config.split, 12, seed=0)
    split, comparison, page = stages.write_split_report(config, result, tmp_path / "pages")
    assert comparison.verdict == "too few photos"
    report = json.loads(page.with_name("split-report.json").read_text())
    assert report == json.loads(json.dumps(split.report))
    rules = ["shared-photos", "shared-groups", "size-ratio", "split-drift"]
    assert [outcome["rule"] for outcome in report["checks"]] == rules
    for rule in rules:
        assert rule in page.read_text()
    assert report["crossing"] == {"author": [], "near_duplicate": [], "visit": []}
    assert list(report["splits"]) == ["train", "validation", "test"]
    closest = report["closest_pairs"][0]
    assert closest["train"] in page.read_text()
    assert closest["test"] in page.read_text()


def test_the_champion_is_asked_only_about_its_own_classes(
    config: Config, tmp_path: Path, model_folder: Path
) -> None:
    dataset = raw(config)
    some = stages.photos_named(dataset, tuple(dataset.images["image"][:2]))
    review, pages = stages.ask_champion(config, some, tmp_path / "pages")
    assert (len(review), pages) == (0, [])  # there is no champion
    (tmp_path / "champion").symlink_to(model_folder)
    everything = {"label_error_score": 0.0}  # every detection is sure enough
    sure = config.model_copy(update={"data": config.data.model_copy(update=everything)})
    review, pages = stages.ask_champion(sure, some, tmp_path / "pages")
    assert len(review) > 0
    assert set(review["image"]) <= set(some.images["image"])
    assert [page.name for page in pages] == ["review.html"]
    other = {"classes": ("robin",)}
    robins = config.model_copy(update={"data": config.data.model_copy(update=other)})
    assert len(stages.ask_champion(robins, some, tmp_path / "pages")[0]) == 0


def test_the_page_of_label_errors_shows_photo_and_author(config: Config, tmp_path: Path) -> None:
    dataset = raw(config)
    photo = dataset.images[dataset.images["n_boxes"] > 0].iloc[0]
    one = stages.photos_named(dataset, (photo["image"],))
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, int))
    detections = {photo["image"]: nothing}
    review, (page,) = stages.write_label_errors(config, one, detections, "A <model>", tmp_path)
    assert len(review) == photo["n_boxes"]
    text = page.read_text()
    assert "A &lt;model&gt; looked at 1 photos" in text
    assert text.count("data:image/jpeg;base64") == 1
    assert f"{photo['image']} by {photo['author']} (Generated)" in text
    assert len(json.loads(page.with_name("review.json").read_text())) == photo["n_boxes"]


def test_boxes_corrected_elsewhere_come_back(config: Config, tmp_path: Path) -> None:
    before = raw(config)
    export_dataset("coco", read_csv(Path(config.data.root)), tmp_path / "out")
    labels = tmp_path / "out" / "instances.json"
    tree = json.loads(labels.read_text())
    tree["annotations"][0]["bbox"][2] -= 1
    labels.write_text(json.dumps(tree))
    import_set("coco", tmp_path / "out", Target(Path(config.data.new), prefix="new_"))
    outcome = stages.ingest_and_compare(config, before, tmp_path / "pages", silent)
    assert (len(outcome.result.accepted), len(outcome.result.corrected)) == (0, 1)
    moved = np.abs(
        before.boxes.sort_values(["image", *XYXY])[XYXY].to_numpy()
        - outcome.dataset.boxes.sort_values(["image", *XYXY])[XYXY].to_numpy()
    )
    assert moved.sum() == 1


def test_a_split_leaves_its_tables_and_says_whose_they_replaced(
    config: Config, tmp_path: Path
) -> None:
    config = with_values(config, {"data.prepared": str(tmp_path / "own")})
    outcome = split_photos(config, raw(config), tmp_path / "pages")
    kept = outcome.keep(config)
    for split in ("train", "validation", "test"):
        table = pd.read_csv(tmp_path / "own" / f"{split}.csv")
        photos = outcome.result.dataset.subset(split).images
        assert sorted(table["Name"]) == sorted(photos["image"])
        assert table.set_index("Name")["image_width"].to_dict() == (
            photos.set_index("image")["width_px"].to_dict()
        )
    assert f"tables of the split: {tmp_path / 'own'}/train.csv" in kept[-1]
    two = config.model_copy(update={"name": "two"})
    other = split_photos(two, raw(config), tmp_path / "pages").keep(two)
    assert f"They replaced those of {config.name}" in other[-1]


def test_a_split_that_ends_the_run_is_not_kept(config: Config, tmp_path: Path) -> None:
    """So that the next one, of other fractions, is free."""
    limits = with_values(config, {"checks.min_size_ratio": 5.0})
    outcome = split_photos(limits, raw(config), tmp_path / "pages")
    with pytest.raises(DataError, match="size-ratio"):
        outcome.keep(limits)
    assert load_assignments(Path(config.data.root)) == {}
    accepting = with_values(limits, {"checks.accept": ["size-ratio"]})
    outcome = split_photos(accepting, raw(config), tmp_path / "pages")
    outcome.keep(accepting)
    assert len(load_assignments(Path(config.data.root))) == 24
    card = dataset_card("birds", outcome.result.dataset, outcome.result.report).markdown
    assert "Accepted by the config (`checks.accept`), though it does not hold: size-ratio" in card
    assert '<td class="warning">accepted</td>' in outcome.page.read_text()
