"""A model decodes and measures photos as its training did: its ``model.json`` says how."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_model import write_light_meter, write_small_model

from sparrow.data.tables import Dataset
from sparrow.image_statistics import image_statistics
from sparrow.images import decode_photo, read_image
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.engine import Engine
from sparrow.inference.model_folder import ENGINE, INFO, read_info, write_info
from sparrow.photo_scale import Decoding, resize_to_fit
from sparrow.photo_texture import photo_texture
from sparrow.pipeline.predict import predict_photos
from sparrow.registry.pyfunc import DetectorModel
from sparrow.registry.shadow import replay

SIZE_PX = (1040, 780)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grainy JPEG, of which half the pixels are enough for a network of 64 px."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (SIZE_PX[1], SIZE_PX[0], 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("photo") / "images" / "a.jpg"
    path.parent.mkdir()
    Image.fromarray(pixels).save(path, quality=90)
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Decoding, Path]:
    """Two models that differ in their decoding alone: their scores are the brightness they see."""
    home = tmp_path_factory.mktemp("models")
    folders: dict[Decoding, Path] = {}
    ways: tuple[Decoding, Decoding] = ("full", "scaled")
    for way in ways:
        folders[way] = write_small_model(home / way, decoding=way)
        write_light_meter(folders[way] / ENGINE, (1.0, 0.9))
        info = read_info(folders[way], verify=False)
        write_info(folders[way], info.model_copy(update={"threshold": 0.1}))
    return folders


def test_a_model_of_before_says_nothing_and_decodes_all_pixels(
    folders: dict[Decoding, Path],
) -> None:
    assert "decoding" not in json.loads((folders["full"] / INFO).read_text())
    assert read_info(folders["full"]).decoded_for_px is None
    assert json.loads((folders["scaled"] / INFO).read_text())["decoding"] == "scaled"
    assert read_info(folders["scaled"]).decoded_for_px == (64, 128)


def test_all_pixels_are_seen_and_measured_as_before(
    folders: dict[Decoding, Path], photo: Path
) -> None:
    counter, engine = PhotoCounter(folders["full"]), Engine(folders["full"])
    whole = read_image(photo)
    record = counter.count(photo.read_bytes(), "a.jpg", "cli")[0].record
    found = engine.detect(whole)
    assert [box.score for box in record.boxes] == found.scores.tolist()
    assert record.boxes[0].x_max_px == float(found.boxes_xyxy[0, 2])
    assert measured(record) == image_statistics(whole)


def test_a_scaled_photo_has_boxes_in_pixels_of_the_original(
    folders: dict[Decoding, Path], photo: Path
) -> None:
    counted, decoded = PhotoCounter(folders["scaled"]).count(photo.read_bytes(), "a.jpg", "cli")
    whole, _ = PhotoCounter(folders["full"]).count(photo.read_bytes(), "a.jpg", "cli")
    assert decoded is not None
    assert decoded.pixels.shape == (390, 520, 3)
    assert (counted.record.width_px, counted.record.height_px) == SIZE_PX
    assert counted.smallest_px == whole.smallest_px
    for ours, theirs in zip(counted.record.boxes, whole.record.boxes, strict=True):
        assert replace(ours, score=0) == replace(theirs, score=0)
        assert ours.score == pytest.approx(theirs.score, abs=0.005)
    assert measured(counted.record) != measured(whole.record)  # or nothing was to be kept apart
    assert measured(counted.record) == image_statistics(decoded.pixels)


@pytest.mark.parametrize("way", ["full", "scaled"])
def test_evaluation_shadow_and_mlflow_see_what_the_counter_sees(
    folders: dict[Decoding, Path], photo: Path, way: Decoding
) -> None:
    folder = folders[way]
    record = PhotoCounter(folder).count(photo.read_bytes(), "a.jpg", "cli")[0].record
    scores = [box.score for box in record.boxes]
    images = pd.DataFrame({"image": ["a.jpg"]})
    predicted = predict_photos(folder, Dataset(photo.parent.parent, images, pd.DataFrame()), 1)
    assert predicted.detections["a.jpg"].scores.tolist() == scores
    assert predicted.statistics["a.jpg"] == measured(record)  # the reference of the monitor
    other = Engine(folders["full" if way == "scaled" else "scaled"])
    (shadow,) = replay(Engine(folder), other, [photo]).photos
    assert shadow.champion.detections.scores.tolist() == scores
    rows = DetectorModel(Engine(folder)).predict([str(photo)])
    assert rows["score"].tolist() == scores


def test_statistics_of_a_scaled_photo_are_near_those_of_all_pixels(photo: Path) -> None:
    """A smooth photo, as cameras make them: both ways measure the same to a hundredth."""
    rng = np.random.default_rng(1)
    rough = Image.fromarray(rng.integers(40, 220, (60, 80, 3), dtype=np.uint8))
    stream = io.BytesIO()
    rough.resize((2400, 1800), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=92)
    smaller = decode_photo(stream.getvalue(), sides_px=(256, 384)).pixels
    whole = read_image(stream.getvalue())
    assert smaller.shape == (450, 600, 3)
    np.testing.assert_allclose(image_statistics(smaller), image_statistics(whole), atol=0.01)
    assert np.isfinite(photo_texture(smaller)).all()
    small, full = (resize_to_fit(pixels, 256, 384).astype(int) for pixels in (smaller, whole))
    assert np.abs(small - full).max() <= 6


def measured(record: object) -> tuple[float, ...]:
    names = ("brightness", "contrast", "sharpness", "saturation")
    return tuple(getattr(record, name) for name in names)
