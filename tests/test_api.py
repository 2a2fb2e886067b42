"""The library as a person uses it: load, count, read, evaluate."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sparrow
from sparrow.data.errors import DataError
from sparrow.images import ImageError
from sparrow.inference.model_folder import ModelFolderError


@pytest.fixture(scope="module")
def folder(
    write_small_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model that finds two sparrows in every photo, one surer than the other."""
    return write_small_model(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """128 × 64 pixels: the engine gets it at 64 on the short side, as it is."""
    path = tmp_path / "garden.jpg"
    Image.new("RGB", (128, 64), "green").save(path)
    return path


def test_importing_it_costs_nothing_and_lists_its_names():
    code = (
        "import sys, sparrow\n"
        "print('numpy' in sys.modules, {'load', 'Dataset', 'evaluate'} <= set(dir(sparrow)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
    with pytest.raises(AttributeError, match="lode"):
        _ = sparrow.lode


def test_it_needs_neither_torch_nor_mlflow_nor_metaflow(folder, photo, drawn_dataset):
    code = f"""
import sys
sys.modules.update(dict.fromkeys(["torch", "torchvision", "mlflow", "metaflow", "optuna"]))
import sparrow
model = sparrow.load({str(folder)!r})
print(model.count({str(photo)!r}).count)
print(sparrow.evaluate(model, sparrow.Dataset.read({str(drawn_dataset)!r})).n_photos)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "24"]


def test_one_photo_by_path_and_by_bytes(folder, photo):
    model = sparrow.load(folder)
    counted = model.count(photo)
    assert (counted.count, counted.low, counted.high) == (2, None, None)  # no count model
    assert counted.labels == ("house_sparrow", "house_sparrow")
    assert (counted.width_px, counted.height_px) == (128, 64)
    # Boxes of the engine, in pixels of the photo, the surer one first.
    assert np.allclose(counted.boxes_xyxy, [[4, 4, 24, 24], [30, 30, 50, 50]], atol=1e-3)
    assert np.allclose(counted.scores, [0.9, 0.8])
    assert model.count(photo.read_bytes()).count == model.count(str(photo)).count == 2


def test_what_is_no_photo_is_an_error(folder, tmp_path):
    model = sparrow.load(folder)
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("birds")
    for bad in (tmp_path / "empty.jpg", tmp_path / "text.jpg", b"", b"GIF8"):
        with pytest.raises(ImageError):
            model.count(bad)
    for bad in (tmp_path / "nowhere.jpg", tmp_path):
        with pytest.raises(OSError, match=str(tmp_path)):
            model.count(bad)


def test_a_photo_of_more_pixels_than_allowed(folder, photo):
    with pytest.raises(ImageError, match="pixels"):
        sparrow.load(folder).count(photo, max_pixels=1000)


@pytest.mark.parametrize("workers", [1, 2, 5, None])
def test_a_folder_in_the_order_of_its_names(folder, photo, workers):
    photo.rename(photo.with_name("c.jpg"))
    (photo.parent / "b.jpg").write_text("no photo")
    (photo.parent / "notes.txt").write_text("not counted")
    Image.new("RGB", (64, 64)).save(photo.with_name("a.png"))
    counted = list(sparrow.load(folder).count_folder(photo.parent, workers=workers))
    assert [Path(one.name).name for one in counted] == ["a.png", "b.jpg", "c.jpg"]
    assert [one.count for one in counted] == [2, None, 2]
    assert counted[1].error is not None
    assert counted[1].boxes_xyxy.shape == (0, 4)


def test_more_photos_than_are_counted_ahead(folder, photo):
    for i in range(150):
        photo.with_name(f"{i:03d}.jpg").write_bytes(photo.read_bytes())
    names = [Path(one.name).name for one in sparrow.load(folder).count_folder(photo.parent)]
    assert names == sorted(names)
    assert len(names) == 151


def test_a_folder_without_photos_and_folders_within(folder, photo):
    model = sparrow.load(folder)
    inner = photo.parent / "inner"
    inner.mkdir()
    photo.rename(inner / photo.name)
    with pytest.raises(ValueError, match="no photo"):
        next(model.count_folder(photo.parent))
    assert [one.count for one in model.count_folder(photo.parent, recursive=True)] == [2]


def test_the_champion_is_the_published_one(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFolderError):
        sparrow.load()
    (tmp_path / ".sparrow").mkdir()
    (tmp_path / ".sparrow" / "champion").symlink_to(folder)
    assert sparrow.load("champion").info.name == "test-detector"
    (tmp_path / "own.yaml").write_text("stores: {champion: elsewhere}")
    (tmp_path / "elsewhere").symlink_to(folder)
    assert sparrow.load(config="own.yaml").folder == folder.resolve()


def test_a_set_is_checked_when_it_is_read(drawn_dataset, tmp_path):
    dataset = sparrow.Dataset.read(drawn_dataset)
    assert len(dataset.images) == 24
    assert {"sha256", "phash"} <= set(dataset.images)
    with pytest.raises(DataError, match="image_info"):
        sparrow.Dataset.read(tmp_path)


def test_an_evaluation_by_known_answers(folder, write_small_model, tmp_path, drawn_dataset):
    dataset = sparrow.Dataset.read(drawn_dataset)
    blind = write_small_model(tmp_path / "blind", found=())
    evaluation = sparrow.evaluate(sparrow.load(blind), dataset)
    # Nothing is found: recall is 0, and every photo is short of all its birds.
    true_mean = dataset.images["n_boxes"].mean()
    assert evaluation.headline["recall"].value == 0.0
    assert evaluation.headline["count_mae"].value == pytest.approx(true_mean)
    assert evaluation.headline["count_bias"].value == pytest.approx(-true_mean)
    assert evaluation.headline["false_count_empty"].value == 0.0
    assert evaluation.n_photos == 24
    # Two in every photo: as many false ones in photos without a bird.
    two = sparrow.evaluate(sparrow.load(folder), dataset)
    assert two.headline["false_count_empty"].value == 2.0
    assert two.headline["count_bias"].value == pytest.approx(2 - true_mean)


def test_classes_that_the_model_does_not_know(write_small_model, tmp_path, drawn_dataset):
    model = sparrow.load(write_small_model(tmp_path / "wrens", class_names=("wren", "robin")))
    dataset = sparrow.Dataset.read(drawn_dataset)
    with pytest.raises(ValueError, match=r"house_sparrow .* boxes"):
        sparrow.evaluate(model, dataset)
    # A wren in every photo, and there is none: 24 false ones, all of what it finds.
    found = sparrow.evaluate(model, dataset, classes=("wren",))
    assert found.headline["precision"].value == 0.0
    assert found.per_photo["fp"].sum() > 0
    # A class of the set alone is one of which the model finds nothing.
    assert sparrow.evaluate(model, dataset, classes=("house_sparrow",)).per_photo["tp"].sum() == 0
    with pytest.raises(ValueError, match="neither"):
        sparrow.evaluate(model, dataset, classes=("wren", "owl"))
