"""A box lies on its bird whatever the format of the set, the photo's format and its orientation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.formats import WRITERS
from sparrow.data.formats.exchange import export_dataset, read_csv
from sparrow.data.formats.imports import Credits, Target, import_set
from sparrow.data.tables import BOX_COLUMNS, IMAGE_COLUMNS, XYXY, Dataset
from sparrow.images import read_image
from tests.test_images import ORIENTATION, STORED

SUFFIXES = {".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".webp": "WEBP"}
WIDTH_PX, HEIGHT_PX = 60, 40
BOX = (12, 4, 28, 20)  # of the red bird, xyxy


def write_photos(folder: Path) -> list[str]:
    """A red bird on grey in each format and orientation, stored as a camera would."""
    folder.mkdir(parents=True)
    upright = np.full((HEIGHT_PX, WIDTH_PX, 3), 128, np.uint8)
    upright[BOX[1] : BOX[3], BOX[0] : BOX[2]] = (255, 0, 0)
    names = []
    for suffix, kind in SUFFIXES.items():
        for orientation, store in STORED.items():
            upright[-1, -1] = (orientation, len(names), 0)  # so that no two files are the same
            exif = Image.Exif()
            exif[ORIENTATION] = orientation
            names.append(f"{kind}{orientation}{suffix}")
            stored = Image.fromarray(np.ascontiguousarray(store(upright)))
            stored.save(folder / names[-1], kind, exif=exif)
    return names


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("turned")
    names = write_photos(root / "images")
    size = (WIDTH_PX, HEIGHT_PX)
    images = pd.DataFrame([(n, n, 1, "S", "L", *size) for n in names], columns=list(IMAGE_COLUMNS))
    boxes = pd.DataFrame([(n, "bird", *map(float, BOX)) for n in names], columns=list(BOX_COLUMNS))
    return Dataset(root, images, boxes)


@pytest.mark.parametrize("kind", WRITERS)
def test_the_box_lies_on_the_bird(turned: Dataset, tmp_path: Path, kind: str) -> None:
    export_dataset(kind, turned, tmp_path / "out")
    import_set(kind, tmp_path / "out", Target(tmp_path / "back", Credits(author="Ada")))
    back = read_csv(tmp_path / "back")
    assert len(back.images) == 32
    sizes = set(map(tuple, back.images[["width_px", "height_px"]].to_numpy()))
    assert sizes == {(WIDTH_PX, HEIGHT_PX)}
    np.testing.assert_allclose(back.boxes[XYXY].to_numpy(), [BOX] * 32, atol=1e-4)
    for name in back.images["image"]:
        seen = read_image(back.image_path(name)).astype(int)
        red = (seen[..., 0] - seen[..., 1]) > 100
        assert red[BOX[1] + 3 : BOX[3] - 3, BOX[0] + 3 : BOX[2] - 3].all(), name
        red[BOX[1] - 3 : BOX[3] + 3, BOX[0] - 3 : BOX[2] + 3] = False
        assert not red.any(), name
    config = DataConfig(
        classes=("bird",), prepared=str(tmp_path / "prepared"), extensions=tuple(SUFFIXES)
    )
    assert check_dataset(tmp_path / "back", config).report.ok


def test_a_photo_without_boxes_has_its_upright_size(turned: Dataset, tmp_path: Path) -> None:
    empty = Dataset(turned.root, turned.images.assign(n_boxes=0), turned.boxes.iloc[:0])
    for kind in ("csv", "yolo"):  # these two do not record the size
        export_dataset(kind, empty, tmp_path / kind)
        if kind == "yolo":
            (tmp_path / kind / "classes.txt").write_text("bird\n")
        import_set(kind, tmp_path / kind, Target(tmp_path / f"{kind}-back"))
        back = read_csv(tmp_path / f"{kind}-back").images
        sizes = set(map(tuple, back[["width_px", "height_px"]].to_numpy()))
        assert sizes == {(WIDTH_PX, HEIGHT_PX)}
