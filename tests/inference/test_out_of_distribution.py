"""A photo unlike those that the model learnt from, and one too large for what it shows."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparrow.evaluation.counting import CountModel
from sparrow.evaluation.fit_distribution import fit_training_distribution
from sparrow.evaluation.training_distribution import TRAINING_DISTRIBUTION
from sparrow.images import RgbImage
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import read_info, write_info
from sparrow.photo_texture import photo_texture
from sparrow.predictions.record import ClassCount

NOTHING = CountModel(0.99, 0.9, "constant", (0.0,), (0.0,), 0.0, 1.0, (0.01, 0.0, 0.0), 1.0, 10)


def noisy(seed: int, side_px: int = 96) -> RgbImage:
    """A grey photo with the noise of a sensor, each of a brightness and a noise of its own."""
    rng = np.random.default_rng(seed)
    level, noise = rng.uniform(60, 180), rng.uniform(5, 20)
    pixels = rng.normal(level, noise, (side_px, side_px, 3))
    return pixels.clip(0, 255).astype(np.uint8)


def ramp(side_px: int = 96) -> RgbImage:
    """A drawing: a smooth ramp."""
    return (
        np.repeat(np.linspace(0, 255, side_px)[None, :, None], side_px, 0).repeat(3, 2).astype("u1")
    )


def png(photo: RgbImage) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(
    write_small_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model that finds nothing, is sure of it, and learnt from noisy photos."""
    folder = tmp_path_factory.mktemp("unlike") / "model"
    write_small_model(folder, found=(), threshold=0.99, count_model=NOTHING.to_dict())
    distribution = fit_training_distribution(
        np.array([photo_texture(noisy(seed)) for seed in range(150)]), np.arange(150)
    )
    assert distribution is not None
    distribution.save(folder)
    write_info(folder, read_info(folder))
    return folder


@pytest.fixture(scope="module")
def counter(folder: Path) -> PhotoCounter:
    return PhotoCounter(folder)


def test_a_photo_of_the_kind_has_its_interval(counter: PhotoCounter) -> None:
    photo, _ = counter.count(png(noisy(1000)), "a.png", "cli")
    assert photo.out_of_distribution is False
    assert (photo.record.count, photo.record.count_low, photo.record.count_high) == (0, 0, 0)


def test_a_photo_of_another_kind_has_none(counter: PhotoCounter) -> None:
    photo, _ = counter.count(png(ramp()), "b.png", "cli")
    assert photo.out_of_distribution is True
    assert (photo.record.count, photo.record.count_low, photo.record.count_high) == (0, None, None)
    assert [(c.low, c.high) for c in photo.record.class_counts] == [(None, None)]


def test_0_to_0_is_never_said_of_objects_that_could_not_be_seen(counter: PhotoCounter) -> None:
    """At four times the network's size, an object of some pixels leaves nothing to find."""
    large = noisy(1001).repeat(40, 0).repeat(40, 1)
    photo, _ = counter.count(png(large), "c.png", "cli")
    assert photo.smallest_px is not None
    assert (photo.record.count, photo.record.count_low, photo.record.count_high) == (0, None, None)


def test_a_model_without_likeness_cannot_tell(folder: Path, tmp_path: Path) -> None:
    without = tmp_path / "model"
    shutil.copytree(folder, without)
    (without / TRAINING_DISTRIBUTION).unlink()
    write_info(without, read_info(folder).model_copy(update={"files": {}}))
    photo, _ = PhotoCounter(without).count(png(ramp()), "b.png", "cli")
    assert photo.out_of_distribution is None
    assert photo.record.count_high == 0


def test_a_damaged_likeness_is_no_model(folder: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "model"
    shutil.copytree(folder, damaged)
    (damaged / TRAINING_DISTRIBUTION).write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"training_distribution\.npz"):
        PhotoCounter(damaged)


def test_a_minimum_stays_one_without_its_interval(counter: PhotoCounter) -> None:
    record = counter.count(png(noisy(1)), "a.png", "cli")[0].record
    least = replace(
        record,
        count=100,
        count_low=97,
        count_high=None,
        class_counts=(ClassCount("a", 60, 58, None), ClassCount("b", 40, 35, 44)),
    ).without_interval()
    assert least.count_is_minimum
    assert least.class_counts == (ClassCount("a", 60, 58, None), ClassCount("b", 40, None, None))


def test_drawings_are_known_from_the_training(folder: Path) -> None:
    info = read_info(folder)
    drawn = {**info.config, "data": {"generate": {"photos": 10, "seed": 1}}}
    assert info.model_copy(update={"config": drawn}).learnt_from_drawings
    assert not info.model_copy(update={"config": {}}).learnt_from_drawings
