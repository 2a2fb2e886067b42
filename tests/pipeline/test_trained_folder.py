"""What the training step leaves is what the evaluation starts from, however often it was killed."""

from __future__ import annotations

import json
import shutil

import pytest

from sparrow.inference.model_folder import (
    ENGINE,
    INFO,
    QUANTIZED_ENGINE,
    REFERENCE,
    WEIGHTS,
    ModelFolderError,
    read_info,
    write_info,
)
from sparrow.pipeline import trained_folder


@pytest.fixture
def work_dir(write_small_model, tmp_path):
    """A run whose training step is done."""
    write_small_model(tmp_path / "model")
    shutil.copy(tmp_path / "model" / INFO, tmp_path / "trained.json")
    return tmp_path


def test_a_whole_folder_stays_as_it_is(work_dir):
    before = read_info(work_dir / "model")
    trained_folder.reset_model_folder(work_dir)
    assert read_info(work_dir / "model") == before


@pytest.mark.parametrize("name", [REFERENCE, "card.md", "card.html", "model.json.partial"])
def test_what_a_killed_evaluation_wrote_is_taken_back(name, work_dir):
    folder = work_dir / "model"
    before = read_info(folder)
    (folder / name).write_text("half of it")
    values = json.loads((folder / INFO).read_text())
    values["threshold"] = 0.9
    values["files"][name] = "0" * 64  # of an earlier attempt
    (folder / INFO).write_text(json.dumps(values))
    with pytest.raises(ModelFolderError):
        read_info(folder)
    trained_folder.reset_model_folder(work_dir)
    assert read_info(folder) == before
    assert not (folder / name).exists()


def test_an_engine_in_integers_is_of_the_training(work_dir):
    folder = work_dir / "model"
    shutil.copy(folder / ENGINE, folder / QUANTIZED_ENGINE)
    before = write_info(folder, read_info(folder))
    shutil.copy(folder / INFO, work_dir / "trained.json")
    trained_folder.reset_model_folder(work_dir)
    assert read_info(folder) == before
    assert QUANTIZED_ENGINE in before.files


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: flip(folder / WEIGHTS),
        lambda folder: flip(folder / ENGINE),
        lambda folder: (folder / ENGINE).write_bytes(b""),
        lambda folder: (folder / WEIGHTS).unlink(),
        shutil.rmtree,
    ],
)
def test_a_damaged_model_says_how_to_make_it_anew(damage, work_dir):
    damage(work_dir / "model")
    for function in ("reset_model_folder", "check_model_folder"):
        with pytest.raises(ModelFolderError, match=r"flows/train\.py resume train") as refused:
            getattr(trained_folder, function)(work_dir)
        assert "registry" not in str(refused.value)  # it has not got there yet
