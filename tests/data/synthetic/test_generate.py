from __future__ import annotations

import filecmp
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparrow.boxes import box_iou
from sparrow.config import DataConfig
from sparrow.data.checks.photo_worker import worker_environment
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError
from sparrow.data.formats.exchange import read_csv
from sparrow.data.ingest.atomic_dir import file_lock
from sparrow.data.synthetic.authors import authors
from sparrow.data.synthetic.birds import POSES, draw_bird
from sparrow.data.synthetic.composition import draw_photo
from sparrow.data.synthetic.generate import generate_dataset, write_contact_sheet
from sparrow.data.synthetic.placed_sprites import extent
from sparrow.data.synthetic.plumage import SPECIES
from sparrow.data.synthetic.scenery import SCENES, draw_scene
from sparrow.data.synthetic.settings import SyntheticSettings
from sparrow.data.tables import XYXY
from sparrow.images import read_image


def test_a_drawn_set_passes_every_check(drawn_dataset: Path, tmp_path: Path) -> None:
    config = DataConfig(root=str(drawn_dataset), prepared=str(tmp_path / "prepared"))
    report = check_dataset(drawn_dataset, config).report
    assert not report.errors


def test_boxes_are_whole_pixels_inside_and_not_tiny(drawn_dataset: Path) -> None:
    dataset = read_csv(drawn_dataset)
    xyxy = dataset.boxes[XYXY].to_numpy()
    sizes = dataset.images.set_index("image").loc[dataset.boxes["image"]]
    assert np.array_equal(xyxy, np.round(xyxy))
    assert (xyxy[:, :2] >= 0).all()
    assert (xyxy[:, 2:] <= sizes[["width_px", "height_px"]].to_numpy()).all()
    sides = xyxy[:, 2:] - xyxy[:, :2]
    assert sides.max(axis=1).min() >= 30  # what the demo promises: birds from 30 px up
    assert sides.max(axis=1).max() < 250


def test_recorded_sizes_are_those_of_the_files(drawn_dataset: Path) -> None:
    images = read_csv(drawn_dataset).images
    for row in images.head(5).to_dict("records"):
        pixels = read_image(drawn_dataset / "images" / row["image"])
        assert pixels.shape == (row["height_px"], row["width_px"], 3)


def test_authors_are_about_a_quarter_of_the_photos_and_all_named() -> None:
    names = authors(400, seed=1)
    assert len(names) == 400
    assert len(set(names)) == 100
    assert max(names.count(name) for name in set(names)) > 4  # some are prolific
    assert authors(1, seed=1)[0]
    assert len(set(authors(8000, seed=1))) == 2000  # more than first × last names give


def test_photos_without_sparrows_have_no_boxes_and_the_scene_they_would_have() -> None:
    for index in range(4):
        usual, others, none = (draw_photo(2, index, birds=b) for b in ("all", "others", "none"))
        assert others.boxes == none.boxes == []
        assert usual.pixels.shape == others.pixels.shape == none.pixels.shape
        assert not np.array_equal(others.pixels, none.pixels)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        generate_dataset(tmp_path / name, SyntheticSettings(photos=3, seed=5))
    compared = filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", _files(tmp_path / "a"), False)
    assert compared == (_files(tmp_path / "a"), [], [])
    assert len(_files(tmp_path / "a")) == 5  # three photos, two tables


def test_a_larger_set_begins_with_the_smaller_and_seeds_differ(tmp_path: Path) -> None:
    first = draw_photo(seed=5, index=1)
    generate_dataset(tmp_path / "set", SyntheticSettings(photos=2, seed=5))
    raw = pd.read_csv(tmp_path / "set" / "bboxes" / "bounding_boxes.csv")
    rows = raw[raw["image_name"] == "summer_0005_00001.jpg"]
    assert len(rows) == len(first.boxes)
    other = draw_photo(seed=6, index=1)
    assert first.pixels.shape != other.pixels.shape or (first.pixels != other.pixels).any()


def test_winter_is_another_distribution() -> None:
    summer = np.stack([draw_photo(3, i).pixels.mean(axis=(0, 1)) for i in range(4)])
    winter = np.stack([draw_photo(3, i, "winter").pixels.mean(axis=(0, 1)) for i in range(4)])
    # Cold light: blue over red, which no lawn, hedge, brick or gravel has.
    assert (winter[:, 2] / winter[:, 0]).mean() > 1.1 > (summer[:, 2] / summer[:, 0]).mean()


def test_classes_choose_which_birds_get_boxes() -> None:
    photos = [draw_photo(1, i, classes=tuple(SPECIES)) for i in range(4)]
    labels = {box[0] for photo in photos for box in photo.boxes}
    assert "house_sparrow" in labels
    assert 1 < len(labels) <= len(SPECIES)  # four photos need not show every species
    assert {box[0] for i in range(4) for box in draw_photo(1, i).boxes} == {"house_sparrow"}


def test_there_are_photos_without_sparrows_and_crowds(drawn_dataset: Path) -> None:
    counts = read_csv(drawn_dataset).images["n_boxes"]
    assert counts.min() == 0
    assert counts.max() >= 5


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("species", sorted(SPECIES))
def test_every_bird_in_every_pose_has_about_the_asked_size(species: str, pose: str) -> None:
    sprite = draw_bird(SPECIES[species][0], pose, 100.0, np.random.default_rng(0))
    height, width = sprite.rgba.shape[:2]
    assert 55 < max(height, width) < 150
    assert (sprite.rgba[..., 3] > 128).mean() > 0.2
    assert sprite.rgba[0, :, 3].any()  # cut to what is visible
    assert sprite.rgba[:, -1, 3].any()


@pytest.mark.parametrize("kind", sorted(SCENES))
def test_every_scene_has_places_and_the_asked_size(kind: str) -> None:
    scene = draw_scene(kind, 120, 90, np.random.default_rng(0))
    assert scene.image.size == (120, 90)
    assert len(scene.places) >= 8
    assert np.asarray(scene.image).std() > 3  # texture, not a flat colour


def test_extent_counts_the_last_pixel_in() -> None:
    seen = np.zeros((10, 12), dtype=bool)
    seen[2:5, 3:9] = True
    assert extent(seen) == (3, 2, 9, 5)


def test_boxes_of_one_photo_are_of_different_birds(drawn_dataset: Path) -> None:
    for boxes in read_csv(drawn_dataset).boxes_by_image().values():
        overlap = box_iou(boxes[XYXY].to_numpy(), boxes[XYXY].to_numpy())
        assert (overlap - np.eye(len(boxes)) < 0.95).all()


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    settings = SyntheticSettings(2, seed=0)
    generate_dataset(tmp_path / "s", settings, progress=lambda done, n: told.append((done, n)))
    assert told == [(1, 2), (2, 2)]


def test_nothing_is_left_of_an_interrupted_set(tmp_path: Path) -> None:
    def interrupt(done: int, photos: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_dataset(tmp_path / "set", SyntheticSettings(2, seed=0), progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="already holds files"):
        generate_dataset(tmp_path / "set", SyntheticSettings(1, seed=0))
    assert (tmp_path / "set" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"photos": 0}, "photos >= 1"),
        ({"seed": -1}, "seed >= 0"),
        ({"season": "spring"}, "summer, winter"),
        ({"classes": ("ostrich",)}, "ostrich"),
        ({"classes": ()}, "no class"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path: Path, wrong: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        generate_dataset(tmp_path / "set", SyntheticSettings(**{"photos": 1, "seed": 0, **wrong}))
    assert not (tmp_path / "set").exists()


def test_contact_sheet_shows_the_boxes(drawn_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "docs" / "sheet.png"
    write_contact_sheet(drawn_dataset, out, photos=6, width_px=600)
    pixels = read_image(out)
    assert pixels.shape[1] == 600
    assert pixels.shape[0] > 190  # more than one row
    yellow = (pixels[..., 0] > 200) & (pixels[..., 1] > 160) & (pixels[..., 2] < 90)
    assert yellow.sum() > 200


def _files(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


RACE = """
import sys
from pathlib import Path
from sparrow.data.synthetic.generate import generate_dataset
from sparrow.data.synthetic.settings import SyntheticSettings
keep = sys.argv[2] == "keep"
settings = SyntheticSettings(12, seed=int(sys.argv[3]))
generate_dataset(Path(sys.argv[1]), settings, keep_existing=keep)
"""


@pytest.mark.parametrize("kept", [["keep", "keep"], ["keep", "keep", "keep"], ["keep", "new"]])
def test_two_who_draw_one_set_at_once_take_turns(tmp_path: Path, kept: list[str]) -> None:
    root = tmp_path / "raw"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(root), keep, str(seed)],
            stderr=subprocess.PIPE,
            text=True,
            env=worker_environment(),
        )
        for seed, keep in enumerate(kept)
    ]
    said = [run.communicate(timeout=120)[1] for run in runs]
    codes = [run.returncode for run in runs]
    for code, words, keep in zip(codes, said, kept, strict=True):
        assert code == 0 or (keep == "new" and "raw: already holds files" in words), words
    assert codes.count(0) >= len(kept) - 1
    # One of them drew, whole; none drew into another's.
    assert len(read_csv(root).images) == len(list((root / "images").iterdir())) == 12
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_who_waits_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "raw"
    with file_lock(root):
        waiting = threading.Thread(
            target=generate_dataset,
            args=(root, SyntheticSettings(1, seed=0)),
            kwargs={"keep_existing": True},
        )
        waiting.start()
        for _ in range(600):
            if "another program is changing it; waiting" in caplog.text:
                break
            time.sleep(0.1)
        assert not root.exists()
    waiting.join(60)
    assert "raw: another program is changing it; waiting" in caplog.text
    assert len(read_csv(root).images) == 1
