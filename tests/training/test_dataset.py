"""Photos decoded once, boxes moved with them, batches that cover everything."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sparrow.config import ModelConfig
from sparrow.data.tables import BOX_COLUMNS, XYXY, Dataset
from sparrow.images import ImageError, read_image
from sparrow.photo_scale import resize_to_fit
from sparrow.regular_file import sha256_of
from sparrow.training.dataset import batches, load_detection_set

MODEL = ModelConfig(min_side_px=100, max_side_px=200)


@pytest.fixture
def photos(tmp_path):
    """A 400 × 200 photo with two boxes, one of each class, and a 150 × 300 photo without any."""
    (tmp_path / "images").mkdir()
    rng = np.random.default_rng(0)
    sizes = {"wide.png": (400, 200), "tall.png": (150, 300)}
    for name, (width, height) in sizes.items():
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / name)
    images = pd.DataFrame(
        [(name, *size, sha256_of(tmp_path / "images" / name)) for name, size in sizes.items()],
        columns=["image", "width_px", "height_px", "sha256"],
    )
    boxes = pd.DataFrame(
        [
            ("wide.png", "wren", 10.0, 20.0, 30.0, 60.0),
            ("wide.png", "robin", 1.0, 3.0, 400.0, 200.0),
        ],
        columns=list(BOX_COLUMNS),
    )
    return Dataset(tmp_path, images, boxes)


def test_no_photos(photos, tmp_path):
    none = replace(photos, images=photos.images.iloc[:0], boxes=photos.boxes.iloc[:0])
    found = load_detection_set(none, ("wren",), MODEL, tmp_path / "cache")
    assert len(found) == 0
    assert list(batches(found.sizes_px, 4, 0, 1)) == []


def test_pixels_boxes_and_labels(photos, tmp_path):
    found = load_detection_set(photos, ("robin", "wren"), MODEL, tmp_path / "cache")
    assert found.images == ("wide.png", "tall.png")
    assert found.sizes_px.tolist() == [[100, 200], [200, 100]]  # both sides halved; tall: by 2/3
    # The photos are the ones that serving would see.
    for index, name in enumerate(found.images):
        served = resize_to_fit(read_image(photos.image_path(name)), 100, 200)
        assert np.array_equal(found.photo(index), served)
    # At half the size every coordinate is half of what it was.
    assert found.boxes_xyxy[0].tolist() == [[5, 10, 15, 30], [0.5, 1.5, 200, 100]]
    assert found.labels[0].tolist() == [2, 1]  # by the order of the class names, from 1
    assert found.boxes_xyxy[1].shape == (0, 4)
    assert found.labels[1].shape == (0,)
    image, boxes, labels = found.sample(0)
    assert (tuple(image.shape), tuple(boxes.shape), tuple(labels.shape)) == (
        (3, 100, 200), (2, 4), (2,),
    )  # fmt: skip


def test_boxes_scale_back_to_the_photos_own_pixels(dataset, task):
    tables = dataset.subset("train").boxes_by_image()
    for name, boxes, scale in zip(
        task.photos.images, task.photos.boxes_xyxy, task.photos.scales, strict=True
    ):
        # float32 holds seven digits: far below a hundredth of a pixel.
        np.testing.assert_allclose(boxes / np.tile(scale, 2), tables[name][XYXY], atol=1e-3)


def test_a_photo_is_decoded_once(photos, tmp_path):
    cache = tmp_path / "cache"
    steps = []
    first = load_detection_set(
        photos, ("robin", "wren"), MODEL, cache, lambda done, of: steps.append((done, of))
    )
    assert steps == [(1, 2), (2, 2)]
    shutil.rmtree(tmp_path / "images")
    again = load_detection_set(photos, ("robin", "wren"), MODEL, cache, pytest.fail)
    assert same_pixels(first.pixels, again.pixels)
    assert sorted(path.suffix for path in cache.iterdir()) == [".bin", ".json"]  # nothing partial
    # Another size, or another content, is another cache: here it needs the photos, which are gone.
    with pytest.raises(ImageError, match="there is no file"):
        load_detection_set(photos, ("robin", "wren"), ModelConfig(min_side_px=64), cache)
    changed = replace(photos, images=photos.images.assign(sha256="0" * 64))
    with pytest.raises(ImageError, match="there is no file"):
        load_detection_set(changed, ("robin", "wren"), MODEL, cache)


def same_pixels(first, again):
    return all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 2
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", [".bin", ".json"])
@pytest.mark.parametrize(
    "damage", [cut, flip, lambda path: path.write_bytes(b""), lambda path: path.write_text("[]")]
)
def test_a_damaged_cache_is_said_and_decoded_again(
    damage, suffix, photos, tmp_path, monkeypatch, capsys
):
    cache = tmp_path / "cache"
    first = load_detection_set(photos, ("robin", "wren"), MODEL, cache)
    first = [pixels.copy() for pixels in first.pixels]
    (path,) = cache.glob(f"*{suffix}")
    damage(path)
    # Another process, which has not looked at the file before.
    monkeypatch.setattr("sparrow.training.decoded_photos._in_use", {})
    again = load_detection_set(photos, ("robin", "wren"), MODEL, cache)
    assert same_pixels(first, again.pixels)
    assert "damaged; the photos are decoded again" in capsys.readouterr().out


def test_boxes_are_not_part_of_the_cache(photos, tmp_path):
    load_detection_set(photos, ("robin", "wren"), MODEL, tmp_path / "cache")
    fewer = replace(photos, boxes=photos.boxes.iloc[1:])
    found = load_detection_set(fewer, ("robin", "wren"), MODEL, tmp_path / "cache")
    assert [len(boxes) for boxes in found.boxes_xyxy] == [1, 0]


def test_first(task):
    few = task.photos.first(3)
    assert len(few) == 3
    assert few.images == task.photos.images[:3]
    assert np.array_equal(few.photo(2), task.photos.photo(2))


def test_batches_cover_each_photo_once_and_keep_orientations_apart():
    landscape, portrait = [100, 200], [200, 100]
    sizes = np.array([landscape] * 7 + [portrait] * 4)
    for epoch in (1, 2):
        found = list(batches(sizes, 3, 5, epoch))
        assert sorted(np.concatenate(found).tolist()) == list(range(11))
        assert sorted(len(batch) for batch in found) == [1, 1, 3, 3, 3]  # 3+3+1 and 3+1
        for batch in found:
            assert len({bool(sizes[k, 0] > sizes[k, 1]) for k in batch}) == 1


def test_order_follows_seed_and_epoch_alone():
    sizes = np.array([[1, 2]] * 40)

    def order(seed, epoch):
        return np.concatenate(list(batches(sizes, 4, seed, epoch))).tolist()

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)
