"""Decoded photos are kept by content: what is known is never decoded again."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from sparrow.images import read_image
from sparrow.photo_scale import resize_to_fit
from sparrow.regular_file import sha256_of
from sparrow.training import decoded_photos
from sparrow.training.decoded_photos import decode_photos

SIDES_PX = (40, 80)


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """Five photos of different sizes, by their content; nothing is held by this process yet."""
    monkeypatch.setattr(decoded_photos, "_in_use", {})
    rng = np.random.default_rng(0)
    files = [tmp_path / f"{number}.png" for number in range(5)]
    for number, file in enumerate(files):
        pixels = rng.integers(0, 256, (60 + 10 * number, 100, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file)
    return {sha256_of(file): file for file in files}


def some(paths, *numbers):
    return {key: path for number, (key, path) in enumerate(paths.items()) if number in numbers}


def check(found, paths):
    assert set(found) == set(paths)
    for key, path in paths.items():
        assert np.array_equal(found[key], resize_to_fit(read_image(path), *SIDES_PX))


def test_no_photos_need_no_file(tmp_path):
    assert decode_photos({}, SIDES_PX, tmp_path / "cache") == {}
    assert not (tmp_path / "cache").exists()


def test_a_photo_that_joins_the_set_is_decoded_alone(paths, tmp_path):
    cache, steps = tmp_path / "cache", []
    decode_photos(some(paths, 0, 1, 2), SIDES_PX, cache)
    check(decode_photos(paths, SIDES_PX, cache, lambda done, of: steps.append((done, of))), paths)
    assert steps == [(1, 2), (2, 2)]
    # In any order and any selection, across both files, nothing is decoded again.
    few = some(dict(reversed(paths.items())), 0, 2, 4)
    check(decode_photos(few, SIDES_PX, cache, pytest.fail), few)
    assert len(list(cache.glob("*.bin"))) == 2


def test_photos_of_many_files_are_copied_into_one(paths, tmp_path, monkeypatch):
    monkeypatch.setattr(decoded_photos, "MOST_FILES", 3)
    cache = tmp_path / "cache"
    for number in range(4):
        decode_photos(some(paths, number), SIDES_PX, cache)
    for path in list(paths.values())[:4]:
        path.rename(path.with_suffix(".gone"))  # what is known need not be read
    four = some(paths, 0, 1, 2, 3)
    copied = decode_photos(four, SIDES_PX, cache, pytest.fail)
    assert len(list(cache.glob("*.bin"))) == 5
    monkeypatch.setattr(decoded_photos, "_in_use", {})
    again = decode_photos(four, SIDES_PX, cache, pytest.fail)
    assert all(np.array_equal(again[key], copied[key]) for key in four)
    assert len(decoded_photos._in_use) == 1  # the one that holds them all


def test_a_damaged_file_costs_its_own_photos_alone(paths, tmp_path, monkeypatch, capsys):
    cache, steps = tmp_path / "cache", []
    decode_photos(some(paths, 0, 1, 2), SIDES_PX, cache)
    (sound,) = cache.glob("*.bin")
    decode_photos(paths, SIDES_PX, cache)
    (damaged,) = set(cache.glob("*.bin")) - {sound}
    damaged.write_bytes(damaged.read_bytes()[:-1])
    monkeypatch.setattr(decoded_photos, "_in_use", {})
    found = decode_photos(paths, SIDES_PX, cache, lambda done, of: steps.append((done, of)))
    check(found, paths)
    assert steps == [(1, 2), (2, 2)]
    assert f"{damaged}: damaged" in capsys.readouterr().out


def test_a_deleted_file_does_not_disturb_who_reads_it(paths, tmp_path):
    cache = tmp_path / "cache"
    first = decode_photos(paths, SIDES_PX, cache)
    for path in cache.iterdir():
        path.unlink()
    check(first, paths)  # the map outlives the name
    check(decode_photos(paths, SIDES_PX, cache), paths)


def test_trainings_that_start_together_do_not_disturb_each_other(paths, tmp_path):
    cache = tmp_path / "cache"
    code = (
        "import sys; from pathlib import Path\n"
        "from sparrow.regular_file import sha256_of\n"
        "from sparrow.training.decoded_photos import decode_photos\n"
        "paths = {sha256_of(Path(p)): Path(p) for p in sys.argv[2:]}\n"
        f"found = decode_photos(paths, {SIDES_PX}, Path(sys.argv[1]))\n"
        "print(sum(int(pixels.sum()) for pixels in found.values()))\n"
    )
    command = [sys.executable, "-c", code, str(cache), *map(str, paths.values())]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate()[0] for process in started]
    expected = sum(int(pixels.sum()) for pixels in decode_photos(paths, SIDES_PX, cache).values())
    assert said == [f"{expected}\n"] * 3
    assert not list(cache.glob("*.partial"))
