"""Loader, API, page and command line see the same photo the same way, whatever its file is like."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps
from starlette.testclient import TestClient
from written_photos import saved, tiff

from sparrow.cli.main import main
from sparrow.config import ModelConfig
from sparrow.data.tables import Dataset
from sparrow.inference.engine import Engine
from sparrow.regular_file import sha256_of
from sparrow.training.dataset import load_detection_set

ORIENTATION = 0x0112


def turned(orientation: int) -> Callable[[Image.Image, Path], None]:
    def save(photo: Image.Image, path: Path) -> None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        photo.save(path, "JPEG", exif=exif)

    return save


def with_alpha(photo: Image.Image) -> Image.Image:
    glass = photo.convert("RGBA")
    glass.putalpha(Image.linear_gradient("L").resize(photo.size))
    return glass


def sixteen_bit(photo: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(photo.convert("L"), np.uint16) * 257)


def twelve_bit(photo: Image.Image) -> Any:
    return np.asarray(photo.convert("RGB"), np.uint16) * 16


KINDS: dict[str, Callable[[Image.Image, Path], Any]] = {
    **{f"turned-{n}.jpg": turned(n) for n in range(1, 9)},
    "cmyk.jpg": lambda photo, path: photo.convert("CMYK").save(path, "JPEG"),
    "grey.jpg": lambda photo, path: photo.convert("L").save(path, "JPEG"),
    "16-bit.png": lambda photo, path: sixteen_bit(photo).save(path),
    "palette.png": lambda photo, path: photo.convert("P").save(path),
    "palette-alpha.png": lambda photo, path: photo.convert("P").save(path, transparency=3),
    "alpha.png": lambda photo, path: with_alpha(photo).save(path),
    "progressive.jpg": lambda photo, path: photo.save(path, "JPEG", progressive=True),
    "mpo.jpg": lambda photo, path: photo.save(
        path, "MPO", save_all=True, append_images=[ImageOps.flip(photo)]
    ),
    "heic.heic": lambda photo, path: path.write_bytes(saved(photo, "HEIF")),
    "avif.avif": lambda photo, path: photo.save(path, "AVIF"),
    "12-bit.tif": lambda photo, path: path.write_bytes(tiff(twelve_bit(photo), 16)),
    "webp.webp": lambda photo, path: photo.save(path, "WEBP"),
}


@pytest.fixture(scope="module")
def root(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``images/`` with one photo as a file of every kind."""
    root = tmp_path_factory.mktemp("kinds")
    (root / "images").mkdir()
    first = sorted((drawn_dataset / "images").iterdir())[0]
    with Image.open(first) as photo:
        for name, save in KINDS.items():
            save(photo.convert("RGB"), root / "images" / name)
    return root


@pytest.fixture(scope="module")
def from_api(client: TestClient, root: Path) -> dict[str, Any]:
    answers = {}
    for name in KINDS:
        files = [("photos", (name, (root / "images" / name).read_bytes(), "image/jpeg"))]
        answers[name] = client.post("/detect", files=files).json()["photos"][0]
    return answers


def test_every_kind_is_read_and_turned(from_api: dict[str, Any]) -> None:
    assert all(answer["error"] is None for answer in from_api.values())
    size = (from_api["turned-1.jpg"]["width_px"], from_api["turned-1.jpg"]["height_px"])
    for name, answer in from_api.items():
        # Orientations 5 to 8 lie on their side.
        lying = name in {f"turned-{n}.jpg" for n in (5, 6, 7, 8)}
        assert (answer["width_px"], answer["height_px"]) == (size[::-1] if lying else size), name
    assert any(answer["count"] for answer in from_api.values())  # or nothing would be compared


def test_the_loader_gives_the_engine_the_same_pixels(
    from_api: dict[str, Any], root: Path, model_folder: Path, tmp_path: Path
) -> None:
    engine = Engine(model_folder, threads=1)
    info = engine.info
    rows = [
        {
            "image": name,
            "width_px": from_api[name]["width_px"],
            "height_px": from_api[name]["height_px"],
            "sha256": sha256_of(root / "images" / name),
        }
        for name in KINDS
    ]
    no_boxes = pd.DataFrame(
        columns=["image", "label", "x_min_px", "y_min_px", "x_max_px", "y_max_px"]
    )
    config = ModelConfig(min_side_px=info.min_side_px, max_side_px=info.max_side_px)
    loaded = load_detection_set(
        Dataset(root, pd.DataFrame(rows), no_boxes), info.class_names, config, tmp_path
    )
    for i, name in enumerate(loaded.images):
        detections = engine.detect(loaded.photo(i)).above(info.threshold)
        assert detections.scores.tolist() == from_api[name]["scores"], name
        boxes = detections.boxes_xyxy / np.tile(loaded.scales[i], 2)  # back to the photo's pixels
        # The API scales float32 numbers, the loader's caller float64: equal to rounding.
        expected = np.array(from_api[name]["boxes"]).reshape(-1, 4)
        np.testing.assert_allclose(boxes, expected, rtol=1e-6, err_msg=name)


def test_the_page_counts_the_same(
    client: TestClient, from_api: dict[str, Any], root: Path, tmp_path: Path
) -> None:
    from service.app import inference
    from service.page_room import PageRoom
    from service.page_source import PhotoFile
    from service.page_visit import Visit

    room = PageRoom(tmp_path, 100_000_000)
    for name in KINDS:
        (photo,) = Visit().add(inference(), [PhotoFile(root / "images" / name, name)], room)
        assert logged(photo.counted.record.boxes) == shown(from_api[name]), name


def test_the_command_line_counts_the_same(
    from_api: dict[str, Any], root: Path, model_folder: Path, tmp_path: Path
) -> None:
    to = tmp_path / "counts.json"
    command = ["count", "--model", str(model_folder), str(root / "images"), "--to", str(to)]
    assert main([*command, "--workers", "1"]) == 0
    photos = json.loads(to.read_text())["photos"]
    assert {Path(photo["file"]).name for photo in photos} == set(KINDS)
    for photo in photos:
        boxes = [(b["score"], b["x_min_px"], b["y_min_px"], b["x_max_px"], b["y_max_px"])
                 for b in photo["boxes"]]  # fmt: skip
        assert boxes == shown(from_api[Path(photo["file"]).name]), photo["file"]


def logged(boxes: Any) -> list[tuple[float, ...]]:
    return [(b.score, b.x_min_px, b.y_min_px, b.x_max_px, b.y_max_px) for b in boxes]


def shown(answer: dict[str, Any]) -> list[tuple[float, ...]]:
    return [(score, *box) for score, box in zip(answer["scores"], answer["boxes"], strict=True)]
