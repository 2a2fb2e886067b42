"""Photos that come back under another name: matched by content, or refused where they disagree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError
from sparrow.data.formats.exchange import export_dataset, read_csv
from sparrow.data.formats.imports import Target, import_set
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.ingest.result import IngestResult
from sparrow.data.ingest.versions import read_log, restore_version
from sparrow.data.tables import UNKNOWN


def widths(config: DataConfig, name: str) -> list[float]:
    boxes = check_dataset(Path(config.root), config).dataset.boxes
    own = boxes[boxes["image"] == name]
    return (own["x_max_px"] - own["x_min_px"]).tolist()


def authors(config: DataConfig) -> dict[str, str]:
    images = check_dataset(Path(config.root), config).dataset.images
    return dict(zip(images["image"], images["author"], strict=True))


def come_back(new: Any, photos: Any, names: dict[str, str]) -> None:
    """New data that is the raw set's photos under other names, by a tool that knows no authors."""
    new.pictures = {new_name: photos.pictures[name] for new_name, name in names.items()}
    new.info = pd.concat(
        photos.info[photos.info["Name"] == name].assign(Name=new_name, Author=UNKNOWN)
        for new_name, name in names.items()
    )
    new.boxes = pd.concat(
        photos.boxes[photos.boxes["image_name"] == name].assign(image_name=new_name)
        for new_name, name in names.items()
    ).reset_index(drop=True)


def kinds(result: IngestResult) -> tuple[int, tuple[str, ...], int]:
    return len(result.accepted), result.corrected, result.skipped_known


def test_what_comes_back_unchanged_under_another_name_is_known_and_said(
    config: DataConfig, photos: Any, new: Any
) -> None:
    photos.write()
    come_back(new, photos, {f"1f0c-{name}": name for name in photos.pictures})
    new.write()
    result = ingest_new(config)
    assert kinds(result) == (0, (), 6)
    assert "1f0c-photo001.png is photo001.png (known)" in result.renamed
    assert result.words()[1].startswith("6 came under another name and were matched by content: ")
    assert len(read_log(photos.root)) == 1  # the set is what it was


def test_a_correction_under_another_name_replaces_the_boxes_under_the_raw_sets_own(
    config: DataConfig, photos: Any, new: Any
) -> None:
    photos.write()
    before = authors(config)
    come_back(
        new, photos, {"1f0c-photo001.png": "photo001.png", "2ab-photo002.png": "photo002.png"}
    )
    new.boxes.loc[0, "bbox_width"] = 33
    new.write()
    result = ingest_new(config)
    assert kinds(result) == (0, ("photo001.png",), 1)
    assert result.renamed == (
        "1f0c-photo001.png is photo001.png (corrected, 1 boxes)",
        "2ab-photo002.png is photo002.png (known)",
    )
    assert (widths(config, "photo001.png"), widths(config, "photo002.png")) == ([33], [20, 20])
    assert authors(config) == before  # the tool knew nobody
    first, last = read_log(photos.root)
    assert (last["added"], last["corrected"], last["removed"]) == ([], ["photo001.png"], [])
    assert last["note"] == "2 came under another name"
    restore_version(config, first["version"])
    assert widths(config, "photo001.png") == [20]
    assert not list(Path(config.new).rglob("*.png"))


def test_boxes_that_are_taken_away_or_drawn_anew_count_as_well(
    config: DataConfig, photos: Any, new: Any
) -> None:
    photos.write()
    names = {"a-photo001.png": "photo001.png", "b-photo000.png": "photo000.png"}
    come_back(new, photos, names)
    new.boxes["image_name"] = "b-photo000.png"  # the box of the one is now on the other
    new.info["Number_HSparrows"] = [0, 1]
    new.write()
    assert kinds(ingest_new(config)) == (0, ("photo000.png", "photo001.png"), 0)
    assert (widths(config, "photo000.png"), widths(config, "photo001.png")) == ([20], [])


def test_under_its_own_name_an_unknown_author_replaces_nobody(
    config: DataConfig, photos: Any, new: Any
) -> None:
    photos.write()
    before = authors(config)
    come_back(new, photos, {name: name for name in photos.pictures})
    new.info.loc[new.info["Name"] == "photo003.png", "Author"] = "Ada"
    new.write()
    assert kinds(ingest_new(config)) == (0, ("photo003.png",), 5)
    assert authors(config) == {**before, "photo003.png": "Ada"}


@pytest.mark.parametrize("first", ["x-photo001.png", "photo001.png", "photo900.png"])
def test_one_file_with_two_sets_of_boxes_is_refused_and_both_are_named(
    config: DataConfig, photos: Any, new: Any, first: str
) -> None:
    photos.write()
    come_back(new, photos, {first: "photo001.png", "y-photo001.png": "photo001.png"})
    if first == "photo900.png":  # neither is in the raw set
        new.pictures = dict.fromkeys(new.pictures, new.pictures[first][::-1].copy())
    new.boxes.loc[1, "bbox_width"] = 33
    new.write()
    with pytest.raises(DataError, match="photo-disagrees") as refused:
        ingest_new(config)
    said = "the same file as {}, with other boxes"
    for name, other in ((first, "y-photo001.png"), ("y-photo001.png", first)):
        assert f"{name} {said.format(other)}" in str(refused.value)
    assert widths(config, "photo001.png") == [20]


def test_two_names_for_one_file_that_agree_are_one_correction(
    config: DataConfig, photos: Any, new: Any
) -> None:
    photos.write()
    come_back(new, photos, {"photo001.png": "photo001.png", "y-photo001.png": "photo001.png"})
    new.boxes["bbox_width"] = 33
    new.write()
    assert kinds(ingest_new(config)) == (0, ("photo001.png",), 0)
    assert widths(config, "photo001.png") == [33]


def test_a_set_that_holds_the_file_twice_is_corrected_under_both_names(
    config: DataConfig, photos: Any, new: Any
) -> None:
    photos.pictures["photo004.png"] = photos.pictures["photo001.png"]  # one box each
    photos.write()
    come_back(new, photos, {"1f0c-photo004.png": "photo004.png"})
    new.write()
    assert kinds(ingest_new(config)) == (0, (), 1)
    new.boxes["bbox_width"] = 33
    new.write()
    result = ingest_new(config)
    assert kinds(result) == (0, ("photo001.png", "photo004.png"), 0)
    assert result.renamed == (
        "1f0c-photo004.png is photo001.png and photo004.png (corrected, 1 boxes)",
    )
    assert widths(config, "photo001.png") == widths(config, "photo004.png") == [33]


def test_a_set_whose_copies_disagree_already_comes_back_as_it_is(
    config: DataConfig, photos: Any, new: Any
) -> None:
    photos.pictures["photo002.png"] = photos.pictures["photo001.png"]  # two boxes, and one
    photos.write()
    come_back(new, photos, {name: name for name in photos.pictures})
    new.write()
    assert kinds(ingest_new(config)) == (0, (), 6)


def test_a_round_trip_through_coco_with_prefixed_names(
    config: DataConfig, photos: Any, tmp_path: Path
) -> None:
    tool = tmp_path / "tool"
    export_dataset("coco", read_csv(photos.write()), tool)
    (labels,) = tool.rglob("*.json")
    text = labels.read_text()
    for name in photos.pictures:
        (tool / "images" / name).rename(tool / "images" / f"90fb-{name}")
        text = text.replace(name, f"90fb-{name}")
    labels.write_text(text.replace("20.0", "20"))
    import_set("coco", tool, Target(Path(config.new), prefix="new_"))
    open_config = config.model_copy(update={"sources": None, "licenses": None})
    assert kinds(ingest_new(open_config)) == (0, (), 6)
