"""A run whose config names no class: its list is settled once, kept, and read by all that follows.

The whole flow does it in tests/flows/test_train.py, whose config names none.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from photo_sets import SPARROW, PhotoSet

from sparrow.config import Config, make_config, parse_config, with_overrides
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.ingest.set_classes import load_classes
from sparrow.pipeline.classes import (
    SETTLED,
    settle_classes,
    settled_classes,
    with_classes,
    with_settled_classes,
)
from sparrow.pipeline.run_files import NOTES
from sparrow.pipeline.split import split_photos
from sparrow.pipeline.start_checks import check_start
from sparrow.pipeline.step_record import values_of


@pytest.fixture
def config(tmp_path: Path) -> Config:
    places = [f"data.{name}={tmp_path / name}" for name in ("root", "new", "rejected", "prepared")]
    return with_overrides(parse_config(""), [*places, "model.weights=none"])


def write_set(folder: str, labels: dict[int, str], first: int = 0, prefix: str = "") -> None:
    """Twelve photos; boxes by their row have other labels than the sparrow's."""
    photos = PhotoSet(Path(folder), 12, first, prefix)
    for row, label in labels.items():
        photos.boxes.loc[row, "label_name"] = label
    photos.write()


def test_two_classes_then_a_third(config: Config, tmp_path: Path) -> None:
    root = Path(config.data.root)
    write_set(config.data.root, {0: "wren", 4: "wren"})
    assert settle_classes(config, tmp_path / "first")[0].endswith(f"{SPARROW}, wren")
    first = with_settled_classes(config, tmp_path / "first")
    assert first.data.classes == (SPARROW, "wren") == load_classes(root)
    assert not [line for line in check_start(first) if "no box is of" in line]
    dataset = check_dataset(root, first.data).dataset
    split = split_photos(first, dataset, tmp_path / "pages").result
    assert set(split.report["classes"]) == {SPARROW, "wren"}

    # Crows come with new photos; they are before the others in the alphabet.
    write_set(config.data.new, {1: "crow"}, first=20, prefix="new_")
    lines = settle_classes(config, tmp_path / "second")
    assert lines[1].startswith("warning: a class that the set did not have: crow")
    second = with_settled_classes(config, tmp_path / "second")
    assert second.data.classes == (SPARROW, "wren", "crow")
    assert load_classes(root) == (SPARROW, "wren")  # the batch may yet be refused
    assert not [line for line in check_start(second) if "crow, which data.classes names" in line]
    assert ingest_new(second.data).report.ok  # type: ignore[union-attr]
    assert "crow" in set(pd.read_csv(root / "bboxes" / "bounding_boxes.csv")["label_name"])

    # A third run reads the same order; the first one, resumed, keeps its own.
    assert with_classes(config).data.classes == second.data.classes
    assert settle_classes(config, tmp_path / "first") == []
    assert with_settled_classes(config, tmp_path / "first").data.classes == (SPARROW, "wren")


def test_a_plural_of_no_class_of_the_set_is_refused(config: Config, tmp_path: Path) -> None:
    write_set(config.data.root, {0: "goose"})
    named = with_overrides(config, ["data.plurals={goose: geese}"])
    assert settle_classes(named, tmp_path / "run")
    wrong = with_overrides(config, ["data.plurals={gose: geese}"])
    with pytest.raises(DataError, match=r"'gose' is not a class; the classes are .* 'goose'"):
        settle_classes(wrong, tmp_path / "another")


def test_another_list_is_another_key_for_the_steps(config: Config, tmp_path: Path) -> None:
    write_set(config.data.root, {0: "wren"})
    named = with_overrides(config, [f"data.classes=[{SPARROW}, wren]"])
    assert values_of(with_classes(config), ["data.classes"]) == values_of(named, ["data.classes"])
    write_set(config.data.root, {0: "wren", 1: "robin"})
    now = values_of(with_classes(config), ["data.classes"])
    assert now == {"data.classes": [SPARROW, "robin", "wren"]}
    # The list is a note of its run: taking over an earlier run's files leaves it.
    assert SETTLED in NOTES


def test_a_config_that_names_classes_is_left_alone(config: Config, tmp_path: Path) -> None:
    write_set(config.data.root, {0: "wren"})
    named = with_overrides(config, ["data.classes=[wren, house_sparrow]"])
    assert settle_classes(named, tmp_path / "run") == []
    assert with_classes(named) is named
    assert with_settled_classes(named, tmp_path / "run") is named
    assert settled_classes(tmp_path / "run") == load_classes(Path(config.data.root)) == ()


def test_a_set_of_the_earlier_default_has_the_list_that_it_had(config: Config) -> None:
    write_set(config.data.root, {})
    assert with_classes(config).data.classes == (SPARROW,) == Config().data.classes
    # What an earlier release stored without the key meant the sparrow, and still does.
    assert make_config({"data": {"root": "x"}}).data.classes == (SPARROW,)


def test_a_set_without_a_box_cannot_say_its_classes(config: Config, tmp_path: Path) -> None:
    photos = PhotoSet(Path(config.data.root), 1)  # its one photo shows none
    photos.write()
    with pytest.raises(DataError, match="no box is in it, so that it has no class"):
        settle_classes(config, tmp_path / "run")
    assert settled_classes(tmp_path / "run") == ()
    assert check_dataset(Path(config.data.root), config.data).report.ok  # it can be checked
