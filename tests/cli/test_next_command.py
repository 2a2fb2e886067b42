"""The command after an import names what the set needs, in a form that the shell and YAML read."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from written_sets import Photo, write_csv

from sparrow.cli.next_command import next_command
from sparrow.config import load_config
from sparrow.data.formats.annotations import PhotoRow, make_dataset
from sparrow.data.tables import Dataset
from sparrow.shipped import flow_command, shipped

CLONE = Path(__file__).parents[2]


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


def test_elsewhere_the_flow_is_named_where_it_is() -> None:
    command, *words = shlex.split(next_command(dataset("data/own/raw", "raccoon"), new=False))
    assert command == "python"
    assert Path(words[0]) == CLONE / "flows" / "train.py"
    assert Path(words[3]) == CLONE / "configs" / "own.yaml"


def test_in_a_clone_the_usual_line_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CLONE)
    line = next_command(dataset("data/own/raw", "raccoon"), new=False)
    assert line == "make train CONFIG=configs/own.yaml ARGS=\"--set 'data.classes=[raccoon]'\""


@pytest.mark.parametrize(
    ("root", "classes"),
    [
        ("data/own/raw", ["Spatz groß", "house sparrow"]),
        (
            "data/own/raw",
            ["#1", "$HOME", "1", "a, b", 'a "b"', "back\\slash", "it's", "x: y", "yes"],
        ),
        ("my photos/raw", ["jay", "麻雀"]),
    ],
)
def test_odd_names_arrive_as_they_are(tmp_path: Path, root: str, classes: list[str]) -> None:
    """By bash and make, as they are read in a clone."""
    tell = f"{sys.executable} -c 'import sys; print(*sys.argv[1:], sep=chr(10))' run"
    (tmp_path / "Makefile").write_text(f"train:\n\t@{tell} $(ARGS)\n")
    shutil.copytree(CLONE / "configs", tmp_path / "configs")
    line = next_command(dataset(root, *classes), new=False)
    line = line.replace(flow_command("train"), tell.removesuffix(" run"))
    told = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    words = told[told.index("run") + 1 :]
    data = load_config(CLONE / "configs" / "own.yaml", words[1::2]).data
    assert data.classes == tuple(sorted(classes))
    assert data.root == root
    assert len({data.root, data.new, data.rejected, data.prepared}) == 4


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
