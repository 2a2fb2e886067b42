"""A photo for each improved epoch: the same photo, with that epoch's detections."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from sparrow.data.tables import XYXY
from sparrow.detections import Detections
from sparrow.images import read_image
from sparrow.pipeline.epoch_photos import EpochPhotos
from sparrow.training.checkpoint import EpochRecord


def record(number, score):
    return EpochRecord(number, 0.1, {}, score, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0)


def test_only_an_improved_epoch_leaves_a_photo(dataset, task, tmp_path):
    photos, validation = EpochPhotos(dataset, seed=0), dataset.subset("validation")
    seen = photos.watching(replace(task, score=lambda _: SimpleNamespace()))
    one = np.float32([[2, 2, 40, 40]])
    found = {
        name: Detections(one, np.float32([0.9]), np.int64([1]))
        for name in validation.images["image"]
    }
    seen.score(found)
    history = (record(1, 0.1), record(2, 0.1), record(3, 0.4))
    paths = [photos.draw(history[:n], tmp_path / "validation") for n in (1, 2, 3)]
    assert [path and path.name for path in paths] == ["epoch_01.jpg", None, "epoch_03.jpg"]
    drawn, sizes = read_image(paths[2]), validation.images[["height_px", "width_px"]].to_numpy()
    assert list(drawn.shape[:2]) in sizes.tolist()
    assert drawn[20, 2].tolist() != drawn[20, 20].tolist()  # a line of the box, and within it
    assert paths[0].read_bytes() == paths[2].read_bytes()  # the same photo, the same detections


def test_no_object_in_any_photo(dataset, tmp_path):
    empty = replace(dataset, boxes=dataset.boxes.iloc[:0])
    photos = EpochPhotos(empty, seed=0)
    assert len(empty.boxes[XYXY]) == 0
    photos._detections = {
        name: Detections(
            np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
        )
        for name in empty.images["image"]
    }
    assert photos.draw((record(1, 0.0),), tmp_path).exists()


def test_only_photos_under_the_listed_licences_are_drawn(dataset, tmp_path):
    """Whatever the seed would choose: one validation photo is under a licence of its own."""
    name = dataset.subset("validation").images["image"].iloc[0]
    images = dataset.images.copy()
    images.loc[images["image"] == name, "license"] = "Free"
    mixed = replace(dataset, images=images)
    nothing = Detections(
        np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    )
    for seed in range(5):
        photos = EpochPhotos(mixed, seed, ["Free"])
        photos._detections = {name: nothing}  # of another photo there is nothing to draw
        assert photos.draw((record(1, 0.5),), tmp_path) is not None
        assert EpochPhotos(mixed, seed, ["Other"]).draw((record(1, 0.5),), tmp_path / "no") is None
    assert not (tmp_path / "no").exists()
