"""The engine that serves: a model folder without torch."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sparrow.images import ImageError, read_image
from sparrow.inference.engine import Engine, detect_files
from sparrow.inference.model_folder import ENGINE, ModelFolderError
from sparrow.photo_scale import resize_to_fit


@pytest.fixture(scope="module")
def engine(model_folder):
    return Engine(model_folder, threads=1)


@pytest.fixture(scope="module")
def photos(drawn_dataset):
    """Name and path of three drawn photos."""
    return [(path.name, path) for path in sorted((drawn_dataset / "images").iterdir())[:3]]


def same(ours, theirs):
    return all(
        np.array_equal(getattr(ours, name), getattr(theirs, name))
        for name in ("boxes_xyxy", "scores", "labels")
    )


def test_no_photos(engine):
    assert detect_files(engine, []) == {}


def test_detections_lie_in_the_photo_and_above_the_lowest_score(engine, photos):
    for _, path in photos:
        image = read_image(path)
        found = engine.detect(image)
        assert len(found) > 0
        assert found.scores.min() >= engine.info.min_score
        assert found.boxes_xyxy.min() >= 0
        assert (found.boxes_xyxy <= np.tile(image.shape[1::-1], 2)).all()
        assert set(found.labels) == {1}


def test_boxes_are_in_the_photos_own_pixels(engine, photos):
    """A photo already at the network's size takes the same road, so its boxes differ by scale."""
    image = read_image(photos[0][1])
    small = resize_to_fit(image, engine.info.min_side_px, engine.info.max_side_px)
    scale = [image.shape[1] / small.shape[1], image.shape[0] / small.shape[0]] * 2
    ours, theirs = engine.detect(image), engine.detect(small)
    np.testing.assert_allclose(ours.boxes_xyxy, theirs.boxes_xyxy * scale, rtol=1e-5, atol=1e-3)
    assert np.array_equal(ours.scores, theirs.scores)


@pytest.mark.parametrize("shape", [(1, 1, 3), (40, 900, 3), (900, 40, 3), (96, 96, 3)])
def test_any_shape_of_photo(engine, shape):
    found = engine.detect(np.full(shape, 127, np.uint8))
    assert found.boxes_xyxy.shape[1] == 4


def test_the_same_photo_gives_the_same_answer_from_any_thread(engine, photos):
    image = read_image(photos[0][1])
    alone = engine.detect(image)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(engine.detect, [image] * 8):
            assert same(found, alone)


def test_files_by_name_with_progress(engine, photos):
    steps = []
    found = detect_files(engine, photos, lambda *done: steps.append(done))
    assert list(found) == [name for name, _ in photos]
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert same(found[photos[1][0]], engine.detect(read_image(photos[1][1])))


def test_a_photo_that_cannot_be_read(engine, tmp_path):
    (tmp_path / "a.jpg").write_text("text")
    with pytest.raises(ImageError):
        detect_files(engine, [("a.jpg", tmp_path / "a.jpg")])


def test_a_damaged_folder_does_not_load(model_folder, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    content = bytearray((folder / ENGINE).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / ENGINE).write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"engine\.onnx is not the file that was saved"):
        Engine(folder)
