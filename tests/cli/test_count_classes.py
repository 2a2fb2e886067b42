"""``sparrow count`` with two classes and two cameras, and with photos unlike the training's."""

from __future__ import annotations

import csv
import html
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from counted_folder import count
from PIL import Image

from sparrow.cli import count_output
from sparrow.config import Config
from sparrow.evaluation.counting import CountModel
from sparrow.evaluation.fit_distribution import fit_training_distribution
from sparrow.inference.model_folder import read_info, write_info
from sparrow.inference.remarks import DRAWN
from sparrow.photo_texture import photo_texture

# Every detection is an object with probability 1, and the interval reaches one to each side.
ABOUT = CountModel(0.5, 0.9, "constant", (0.0,), (1.0,), 0.0, 1.0, (1.0, 0.0, 0.0), 1.0, 10)
CLASSES = ("house_sparrow", "goose")
TWO_SPARROWS_A_GOOSE = ((1, 0.9, 4, 4, 24, 24), (2, 0.8, 30, 30, 50, 50), (1, 0.7, 8, 30, 24, 50))
SIDES = ("x_min_px", "y_min_px", "x_max_px", "y_max_px")
ALL_ROWS = ("all classes", *CLASSES)
STRANGE = "feeder/IMG_20260501_100000.png"


def noisy(seed: int) -> np.ndarray:
    """A grey photo with the noise of a sensor."""
    rng = np.random.default_rng(seed)
    level, noise = rng.uniform(60, 180), rng.uniform(5, 20)
    return rng.normal(level, noise, (96, 96, 3)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def model(write_small_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It finds two sparrows and a goose in every photo, and learnt from drawings, all noisy."""
    folder = tmp_path_factory.mktemp("two") / "model"
    config = Config().of_the_training()
    config["data"] |= {"generate": {"summer": 10}, "plurals": {"goose": "geese"}}
    models = {name: ABOUT.to_dict() for name in CLASSES}
    write_small_model(
        folder,
        TWO_SPARROWS_A_GOOSE,
        CLASSES,
        config=config,
        count_model=ABOUT.to_dict(),
        class_count_models=models,
    )
    textures = np.array([photo_texture(noisy(seed)) for seed in range(150)])
    distribution = fit_training_distribution(textures, np.arange(150))
    assert distribution is not None
    distribution.save(folder)
    write_info(folder, read_info(folder))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras: a visit of two photos, one of one, and one of a photo unlike the others."""
    home = tmp_path_factory.mktemp("photos")
    ramp = np.linspace(0, 255, 96).astype(np.uint8)
    photos = {
        "feeder/IMG_20260501_080000.png": noisy(1000),
        "feeder/IMG_20260501_080010.png": noisy(1001),
        STRANGE: np.broadcast_to(ramp[None, :, None], (96, 96, 3)),
        "pond/IMG_20260501_090000.png": noisy(1002),
    }
    for name, pixels in photos.items():
        (home / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.ascontiguousarray(pixels)).save(home / name)
    return home


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_every_class_is_in_visits_report_and_lines(
    model: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to, visits, page = (tmp_path / name for name in ("c.csv", "v.csv", "r.html"))
    assert count(model, folder, "-r", "--to", to, "--visits", visits, "--report", page) == 0
    said = capsys.readouterr().err
    groups = [g for g in rows(visits) if g["per"] == "visit"]
    assert [(g["camera"], g["class"], g["most_at_once"], g["most_low"]) for g in groups] == [
        # 3 +- 1.19 of two photos, 3 +- 1 of one; the photo unlike the others has no range
        *[("feeder", n, m, low) for n, m, low in zip(ALL_ROWS, "321", "210", strict=True)],
        *[("feeder", n, m, "") for n, m in zip(ALL_ROWS, "321", strict=True)],
        *[("pond", n, m, low) for n, m, low in zip(ALL_ROWS, "321", "210", strict=True)],
    ]
    each = "2 house sparrows (likely 1 to 3), 1 goose (likely 0 to 2)"
    one = f"3 objects at once (likely 2 to 4); {each}"
    assert f"pond, 1 photos in 1 visit: at most {one}" in said
    # One of three photos flagged may be chance: 3 +- 1.29 as the two others say.
    assert f"feeder, 3 photos in 2 visits: at most {one}" in said
    assert "  4 geese\n" in said
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert '<th scope="col">house sparrows</th><th scope="col">geese</th>' in text
    assert one in text
    assert "house_sparrow" not in text


def test_photos_unlike_the_trainings_are_said_and_have_no_range(
    model: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to, page = tmp_path / "c.csv", tmp_path / "r.html"
    assert count(model, folder, "-r", "--to", to, "--report", page) == 0
    said = capsys.readouterr().err
    note = "1 of 4 photos is unlike those this model learnt from, no more than chance brings"
    text = html.unescape(page.read_text(encoding="utf-8"))
    for words in (note, DRAWN):
        assert said.count(words) == 1
        assert text.count(words) == 1
    photos = {row["file"]: row for row in rows(to)}
    assert list(photos[STRANGE])[-2:] == ["out_of_distribution", "tiles"]
    told = {name: (row["out_of_distribution"], row["count_low"]) for name, row in photos.items()}
    assert told.pop(STRANGE) == ("True", "")
    assert set(told.values()) == {("False", "2")}
    assert count(model, folder, "-r") == 0
    lines = capsys.readouterr().out.splitlines()
    odd = "3 (2 house sparrows, 1 goose; unlike the photos this model learnt from: no likely range)"
    assert f"{STRANGE}: {odd}" in lines


def test_a_folder_of_photos_unlike_the_trainings_has_no_range(
    model: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, visits = tmp_path / "in", tmp_path / "v.csv"
    photos.mkdir()
    for n in range(4):
        shutil.copy(folder / STRANGE, photos / f"IMG_20260501_0800{n:02}.png")
        with (photos / f"IMG_20260501_0800{n:02}.png").open("ab") as file:
            file.write(bytes(n))  # another file
    assert count(model, photos, "--to", tmp_path / "c.csv", "--visits", visits) == 0
    said = capsys.readouterr().err
    assert "4 of 4 photos are unlike those this model learnt from, more than the 2 in" in said
    assert {(row["most_low"], row["unlike"]) for row in rows(visits)} == {("", "4")}


def test_parquet_is_written_in_groups_and_is_the_same(
    model: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, groups = tmp_path / "whole.parquet", tmp_path / "groups.parquet"
    assert count(model, folder, "-r", "--to", whole, "--gps") == 0
    monkeypatch.setattr(count_output, "ROW_GROUP", 1)
    assert count(model, folder, "-r", "--to", groups, "--gps") == 0
    assert pyarrow.parquet.ParquetFile(groups).num_row_groups == 4
    changing = ["time", "milliseconds"]
    one, other = (pd.read_parquet(path).drop(columns=changing) for path in (whole, groups))
    pd.testing.assert_frame_equal(one, other)
    assert one["count_goose"].tolist() == [1] * 4
    assert one["count_low"].isna().sum() == one["latitude"].isna().sum() - 3 == 1


def test_drawings_have_no_boxes_at_excluded_places(
    model: Path, folder: Path, tmp_path: Path
) -> None:
    """The goose never moves: it is left out of count, boxes and drawing; the sparrows stay."""
    every = tmp_path / "all.json"
    assert count(model, folder, "-r", "--to", every) == 0
    boxes = json.loads(every.read_text(encoding="utf-8"))["photos"][0]["boxes"]
    goose = next(box for box in boxes if box["label"] == "goose")
    places = tmp_path / "places.csv"
    corners = [goose[side] / 96 for side in SIDES]
    places.write_text(
        "camera,label,x_min,y_min,x_max,y_max\n" + f"feeder,goose,{','.join(map(str, corners))}\n"
    )
    drawn = {}
    for name, more in (("with", []), ("without", ["--exclude", places])):
        to = tmp_path / name
        assert count(model, folder, "-r", "--to", to / "c.csv", "--annotated", to, *more) == 0
        drawn[name] = {
            path.name: np.asarray(Image.open(path)).astype(int) for path in to.rglob("*.jpg")
        }
    assert list(drawn["with"]) != []
    x, y = (round(goose[side]) for side in SIDES[:2])
    for name, picture in drawn["with"].items():
        differs = np.abs(picture - drawn["without"][name]).max(axis=2)
        at_goose = differs[y - 2 : y + 3, x + 4 : x + 20].max()
        # Those of the pond's camera keep theirs: JPEG gives the same pixels again.
        assert (at_goose > 60) == ("IMG_20260501_09" not in name)
