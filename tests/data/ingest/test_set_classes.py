"""The classes of a set, from tables alone: which, in which order, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sparrow.config import DataConfig
from sparrow.data.errors import DataError
from sparrow.data.ingest.set_classes import SetClasses, load_classes, read_set_classes, save_classes

INFO = "Name,Author,Number_HSparrows,Source,License\n"
BOXES = (
    "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height\n"
)  # fmt: skip


def write_tables(folder: Path, labels: Sequence[str], prefix: str = "") -> None:
    """A photo for each label, without the photo itself."""
    (folder / "bboxes").mkdir(parents=True, exist_ok=True)
    rows = [f"{label},1,1,9,9,{n}.jpg,90,90\n" for n, label in enumerate(labels)]
    (folder / "bboxes" / f"{prefix}bounding_boxes.csv").write_text(BOXES + "".join(rows))
    photos = [f"{n}.jpg,unknown,1,unknown,unknown\n" for n in range(len(labels))]
    (folder / f"{prefix}image_info.csv").write_text(INFO + "".join(photos))


@pytest.fixture
def config(tmp_path: Path) -> DataConfig:
    return DataConfig(root=str(tmp_path / "raw"), new=str(tmp_path / "new"), classes=())


def read(config: DataConfig, *labels: str) -> SetClasses:
    write_tables(Path(config.root), labels)
    return read_set_classes(config)


def test_without_a_box_there_is_no_class(config: DataConfig) -> None:
    assert read(config) == SetClasses((), (), ())


def test_without_tables_there_is_no_set(config: DataConfig) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        read_set_classes(config)


def test_the_first_list_is_alphabetical_and_reading_writes_nothing(config: DataConfig) -> None:
    found = read(config, "wren", "jay", "wren")
    assert found.names == found.of_set == ("jay", "wren")
    assert found.lines == ("data.classes names none: all 2 of the set are counted: jay, wren",)
    assert load_classes(Path(config.root)) == ()


def test_a_later_class_is_said_and_comes_last(config: DataConfig) -> None:
    # "crow" comes before both in the alphabet: sorted afresh, all numbers would change.
    read(config, "wren", "jay")
    save_classes(Path(config.root), ("jay", "wren"))
    found = read(config, "crow", "wren", "jay")
    assert found.names == ("jay", "wren", "crow")
    assert "did not have: crow (" in found.lines[1]
    assert "bounding_boxes.csv, line 2, 1 boxes)" in found.lines[1]


def test_a_slip_of_the_pen_is_asked_about(config: DataConfig) -> None:
    save_classes(Path(config.root), ("raccoon",))
    assert read(config, "raccoon", "racoon").lines[1].endswith("; is raccoon meant?")


def test_a_class_that_went_keeps_its_place(config: DataConfig) -> None:
    save_classes(Path(config.root), ("jay", "owl", "wren"))
    found = read(config, "wren", "jay")
    assert found.names == ("jay", "owl", "wren")
    assert found.lines[1].startswith("warning: no box is of the class owl any more")


def test_new_data_adds_its_classes_after_those_of_the_set(config: DataConfig) -> None:
    save_classes(Path(config.root), ("wren",))
    write_tables(Path(config.new), ["crow", "wren"], "new_")
    found = read(config, "wren", "owl")
    assert found.names == ("wren", "owl", "crow")
    assert found.of_set == ("wren", "owl")  # the batch may yet be refused
    # Once it is taken in, the order is the same.
    save_classes(Path(config.root), found.of_set)
    assert read(config, "wren", "owl", "crow").names == found.names


def test_a_broken_batch_is_left_to_the_ingest(config: DataConfig) -> None:
    write_tables(Path(config.new), ["crow"], "new_")
    Path(config.new, "bboxes", "new_bounding_boxes.csv").write_text("")
    assert read(config, "wren").names == ("wren",)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (("jay", "Jay"), "differ in case or blanks alone"),
        (("blue tit", "blue  tit"), "differ in case or blanks alone"),
        (("jay ", "wren"), "no blanks at their ends, found 'jay '"),
        (("x" * 101,), "at most 100 characters"),
    ],
)
def test_names_that_cannot_be_classes(
    config: DataConfig, labels: tuple[str, ...], words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(config, *labels)
    assert "bounding_boxes.csv, line 2, 1 boxes" in str(caught.value)


def test_a_missing_label_is_left_to_the_checks(config: DataConfig) -> None:
    assert read(config, "", "  ", "wren").names == ("wren",)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '["a"'])
def test_a_damaged_list_is_refused_with_the_way_out(config: DataConfig, text: str) -> None:
    save_classes(Path(config.root), ("wren",))
    Path(config.root, "history", "classes.json").write_text(text)
    with pytest.raises(DataError, match=r"classes\.json: expected a JSON list .*delete the file"):
        read(config, "wren")
