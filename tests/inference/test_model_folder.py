"""A model folder is whole and untouched, or it is refused by the name of the file."""

from __future__ import annotations

import json
import shutil

import pytest

from sparrow.inference.card_facts import engine_mb
from sparrow.inference.model_folder import (
    ENGINE,
    INFO,
    WEIGHTS,
    ModelFolderError,
    ModelInfo,
    read_info,
    sha256_of,
    write_info,
)
from sparrow.inference.safetensors_metadata import CLASSIFIER, classes_metadata

INFO_VALUES = {
    "name": "m", "architecture": "a", "class_names": ["wren"], "min_side_px": 96,
    "max_side_px": 144, "min_score": 0.05, "threshold": 0.4, "data_version": "d",
    "git_commit": "g", "trained_at": "2026-01-01T00:00:00+00:00", "config": {}, "metrics": {},
    "engine_parity": {},
}  # fmt: skip


def write_weights(path, metadata, classes):
    """A safetensors file that holds the classifier's shape, and no more."""
    shape = {CLASSIFIER: {"dtype": "F32", "shape": [classes + 1, 0], "data_offsets": [0, 0]}}
    header = json.dumps({"__metadata__": metadata, **shape}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)


@pytest.fixture
def folder(tmp_path):
    """The rules look into no file but the weights' header, so these are a few bytes each."""
    folder = tmp_path / "model"
    folder.mkdir()
    write_weights(folder / WEIGHTS, classes_metadata(["wren"]), classes=1)
    (folder / ENGINE).write_bytes(b"engine")
    write_info(folder, ModelInfo(**INFO_VALUES))
    return folder


def test_an_empty_folder(tmp_path):
    with pytest.raises(ModelFolderError, match=r"there is no model\.json"):
        read_info(tmp_path)


def test_round_trip(folder):
    info = read_info(folder)
    assert info.class_names == ("wren",)
    assert info.files.keys() == {WEIGHTS, ENGINE}
    # SHA-256 of the six bytes "engine", by sha256sum.
    assert info.files[ENGINE] == sha256_of(folder / ENGINE)
    assert len(info.files[ENGINE]) == 64
    assert not list(folder.glob("*.partial"))


def test_the_sum_is_sha256(tmp_path):
    (tmp_path / "empty").touch()
    # The well-known SHA-256 of no bytes.
    assert sha256_of(tmp_path / "empty") == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


def test_writing_again_takes_in_what_has_come(folder):
    (folder / "card.md").write_text("card")
    info = write_info(folder, read_info(folder).model_copy(update={"threshold": 0.7}))
    assert read_info(folder) == info
    assert info.files.keys() == {WEIGHTS, ENGINE, "card.md"}
    assert info.threshold == 0.7


@pytest.mark.parametrize("name", [WEIGHTS, ENGINE])
def test_a_flipped_bit(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelFolderError, match=f"{name} is not the file that was saved"):
        read_info(folder)


@pytest.mark.parametrize("name", [WEIGHTS, ENGINE])
def test_a_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match=f"the file {name} is missing"):
        read_info(folder)


@pytest.mark.parametrize("name", ["model.pkl", "weights.pkl", "data.bin", "run.py"])
def test_a_foreign_file(folder, name):
    (folder / name).write_bytes(b"\x80\x04.")
    with pytest.raises(ModelFolderError, match=f"{name} does not belong in a model folder"):
        read_info(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threshold": 1.5}, "threshold"),
        ({"class_names": []}, "class_names"),
        ({"surprise": 1}, "surprise"),
        ({"files": {}}, r"has no SHA-256 of weights\.safetensors"),
        ({"files": {"../../etc/passwd": "0"}}, "passwd"),
        ({"files": {"engine.onnx": "0", "weights.safetensors": "0"}}, "SHA-256 differs"),
    ],
)
def test_a_wrong_model_json(folder, change, message):
    values = {**json.loads((folder / INFO).read_text()), **change}
    (folder / INFO).write_text(json.dumps(values))
    with pytest.raises(ModelFolderError, match=message):
        read_info(folder)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["blackbird"], r"its classes are \['blackbird'\], but .* was trained for \['wren'\]"),
        (["wren", "robin"], r"\['wren', 'robin'\], but weights\.safetensors was trained"),
    ],
)
def test_a_wrong_class_list(folder, names, message):
    values = {**json.loads((folder / INFO).read_text()), "class_names": names}
    (folder / INFO).write_text(json.dumps(values))
    with pytest.raises(ModelFolderError, match=message) as refused:
        read_info(folder)
    assert str(folder / INFO) in str(refused.value)
    # Hashes that fit do not help: the names belong to the weights.
    write_info(folder, ModelInfo(**{**INFO_VALUES, "class_names": names}))
    with pytest.raises(ModelFolderError, match=message):
        read_info(folder)


def test_names_in_another_order_are_other_classes(folder):
    write_weights(folder / WEIGHTS, classes_metadata(["wren", "robin"]), classes=2)
    write_info(folder, ModelInfo(**{**INFO_VALUES, "class_names": ["wren", "robin"]}))
    assert read_info(folder).class_names == ("wren", "robin")
    write_info(folder, ModelInfo(**{**INFO_VALUES, "class_names": ["robin", "wren"]}))
    with pytest.raises(ModelFolderError, match="was trained for"):
        read_info(folder)


def test_weights_without_names_are_held_to_their_number(folder):
    write_weights(folder / WEIGHTS, {}, classes=1)
    write_info(folder, ModelInfo(**{**INFO_VALUES, "class_names": ["anything"]}))
    assert read_info(folder).class_names == ("anything",)
    write_info(folder, ModelInfo(**{**INFO_VALUES, "class_names": ["one", "two"]}))
    with pytest.raises(ModelFolderError, match=r"names 2 classes, but .* was trained for 1"):
        read_info(folder)


@pytest.mark.parametrize("content", [b"", b"weights", b"\xff" * 20, b"\x02" + b"\0" * 7 + b"[]"])
def test_weights_that_are_no_safetensors(folder, content):
    (folder / WEIGHTS).write_bytes(content)
    write_info(folder, ModelInfo(**INFO_VALUES))
    with pytest.raises(ModelFolderError, match=r"weights\.safetensors is no safetensors file"):
        read_info(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_no_json_at_all(folder, content):
    (folder / INFO).write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"model\.json is not a valid model\.json"):
        read_info(folder)


def test_a_value_is_missing(folder):
    values = json.loads((folder / INFO).read_text())
    del values["threshold"]
    (folder / INFO).write_text(json.dumps(values))
    with pytest.raises(ModelFolderError, match=r"threshold: Field required"):
        read_info(folder)


def test_a_copy_is_as_good(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    assert read_info(tmp_path / "copy") == read_info(folder)


@pytest.mark.parametrize("beside", ["card.html", "reference.parquet", "example.jpg"])
def test_the_size_is_the_engines_whatever_lies_beside_it(tmp_path, beside):
    (tmp_path / "engine.onnx").write_bytes(b"e" * 1_500_000)
    (tmp_path / "weights.safetensors").write_bytes(b"w" * 2_000_000)
    (tmp_path / beside).write_bytes(b"c" * 3_000_000)
    assert engine_mb(tmp_path) == 1.5
