"""The command after an import names what the set needs, in a form that the shell and YAML read."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from written_sets import Photo, write_csv

from sparrow.cli.next_command import next_command
from sparrow.config import load_config
from sparrow.data.formats.annotations import PhotoRow, make_dataset
from sparrow.data.tables import Dataset
from sparrow.shipped import shipped


def dataset(root: str, *classes: str, name: str = "a.jpg") -> Dataset:
    boxes = [(label, 0.0, 0.0, 1.0, 1.0) for label in classes]
    return make_dataset(Path(root), [PhotoRow(name, 9, 9, boxes)])


def overrides_of(command: str) -> list[str]:
    words = shlex.split(command)
    return [words[index + 1] for index, word in enumerate(words) if word == "--set"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_set_where_the_config_expects_it() -> None:
    command = next_command(dataset("data/own/raw", "raccoon"), new=False)
    assert "flows/train.py" in command
    assert overrides_of(command) == ["data.classes=[raccoon]"]


def test_a_set_without_boxes_names_no_class() -> None:
    assert overrides_of(next_command(dataset("data/own/raw"), new=False)) == []


def test_what_is_printed_is_read_as_it_was_meant() -> None:
    made = dataset("my sets/raw", "no", "a, b", "Großer: Vogel", name="a.HEIC")
    overrides = overrides_of(next_command(made, new=False))
    data = load_config(shipped("configs/own.yaml"), overrides).data
    assert data.root == "my sets/raw"
    assert data.classes == ("Großer: Vogel", "a, b", "no")
    assert set(data.extensions) >= {".heic", ".jpg", ".png"}


def test_new_data_keeps_the_classes_of_the_set_that_it_joins(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "data/own/raw", [Photo("a.jpg", (9, 9), (("fox", 0, 0, 5, 5),))], "contract"
    )
    command = next_command(dataset("data/own/new", "raccoon"), new=True)
    assert command.startswith("sparrow data ingest --config ")
    assert overrides_of(command) == ["data.classes=[fox, raccoon]"]
