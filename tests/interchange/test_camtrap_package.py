"""Packages of Camtrap-DP that ``sparrow count`` writes, held against the standard's own schemas."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import camtrap_rules as rules
import pandas as pd
import pytest
from counted_folder import count
from two_cameras import BERLIN, CLASSES, COUNTED, FOUND, write_model, write_photos

from sparrow.interchange.camtrap_rows import can_be_named, deployment_id
from sparrow.interchange.deployments import distance_m

TOLD = ("--timezone", "Europe/Berlin", "--gps", "--species", "house_sparrow=Passer domesticus")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "champion")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos")


def test_a_package_is_valid_and_read_back_without_loss(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package, to = tmp_path / "dp", tmp_path / "c.json"
    (photos / "pond & reed" / "IMG_20260702_080500.jpg").write_text("no photo")
    options = ("--camtrap-dp", package, *TOLD, "--to", to)
    assert count(model, photos, "-r", *options) == 3
    assert rules.violations(package) == []
    said = capsys.readouterr().err
    assert "1 photos without a time are not in the package: pond & reed/undated.jpg" in said
    assert "1 classes have no scientific name (--species) and are tags there: blue tit" in said

    media = pd.read_csv(package / "media.csv").set_index("mediaID")
    seen = pd.read_csv(package / "observations.csv")
    truth = {p["file"]: p for p in json.loads(to.read_text())["photos"] if p["taken_at"]}
    assert sorted(media["filePath"]) == sorted(truth)
    for identifier, medium in media.iterrows():
        photo = truth[medium["filePath"]]
        own = seen[seen["mediaID"] == identifier]
        assert_same_photo(photo, medium, own)
    events = seen[seen["observationLevel"] == "event"]
    # Two visits, each with two house sparrows and one blue tit at once.
    assert events["count"].tolist() == [2, 1, 2, 1]
    assert events["deploymentID"].tolist() == ["garden"] * 2 + ["pond & reed"] * 2
    assert events["eventStart"].iloc[0] == "2026-05-01T12:00:00+02:00"
    assert events["eventEnd"].iloc[0] == "2026-05-01T12:00:20+02:00"


def assert_same_photo(photo: dict[str, Any], medium: Any, own: pd.DataFrame) -> None:
    taken = datetime.fromisoformat(medium["timestamp"])
    told = datetime.fromisoformat(photo["taken_at"])
    assert taken == (told if told.tzinfo else told.replace(tzinfo=taken.tzinfo)).replace(
        microsecond=0
    )
    if told.microsecond:
        assert medium["mediaComments"] == f"taken at {photo['taken_at']}"
    if photo["error"]:
        assert own["observationType"].tolist() == ["unclassified"]
        return
    assert own["count"].sum() == photo["count"] == COUNTED
    tags = Counter(tag.removeprefix("class:") for tag in own["observationTags"])
    assert tags == Counter(box["label"] for box in photo["boxes"])
    named = Counter(own["scientificName"].fillna(""))
    assert named == {"Passer domesticus": tags["house_sparrow"], "": tags["blue tit"]}
    for (_, row), box in zip(own.iterrows(), photo["boxes"], strict=True):
        left, top = row["bboxX"] * photo["width_px"], row["bboxY"] * photo["height_px"]
        right = left + row["bboxWidth"] * photo["width_px"]
        corners = [left, top, right, row["classificationProbability"]]
        assert corners == pytest.approx(
            [box["x_min_px"], box["y_min_px"], box["x_max_px"], box["score"]]
        )


def test_an_empty_photo_is_blank_and_so_is_its_visit(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faint = write_model(tmp_path / "faint", [(1, 0.3, 4, 4, 24, 24)])
    package = tmp_path / "dp"
    assert count(faint, photos / "garden", "--camtrap-dp", package, "--location", "52.5,13") == 0
    assert rules.violations(package) == []
    rows = rules.table(package, "observations")
    assert [(row["observationLevel"], row["observationType"]) for row in rows] == [
        ("media", "blank"), ("media", "blank"), ("event", "blank"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "1 photos tell no distance from UTC, which Camtrap-DP requires: pond & reed/a.jpg"),
        (("--timezone", "+02:00"), "no place is known of 2 cameras"),
        (
            ("--timezone", "+02:00", "--location", "garden=1,2"),
            "no place is known of 1 cameras, which Camtrap-DP requires: pond & reed",
        ),
        (
            ("--timezone", "+02:00", "--location", "1,2", "--location", "gardn=1,2"),
            "--location: there is no camera gardn; there are garden, pond & reed",
        ),
        (("--timezone", "Mars/Base"), "Mars/Base: expected a distance from UTC"),
        (("--location", "91,0"), "--location 91,0: expected LATITUDE,LONGITUDE"),
        (("--species", "robin=Erithacus rubecula"), "the model has no class 'robin'"),
    ],
)
def test_what_the_standard_requires_is_asked_for_before_any_work(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    assert count(model, photos, "-r", "--camtrap-dp", tmp_path / "dp", *options) == 1
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""
    assert not (tmp_path / "dp").exists()


def test_photos_without_any_time_make_no_package(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    undated = photos / "pond & reed" / "undated.jpg"
    options = ("--camtrap-dp", tmp_path / "dp", "--location", "52.5,13")
    assert count(model, undated, *options) == 1
    assert "no photo has a time" in capsys.readouterr().err
    assert count(model, undated, *options, "--file-times") == 0
    assert rules.violations(tmp_path / "dp") == []


def test_what_a_person_wrote_stays_and_a_package_of_others_is_not_overwritten(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package, garden = tmp_path / "dp", photos / "garden"
    options = ("--camtrap-dp", package, "--location", "52.5,13")
    assert count(model, garden, *options) == 0
    path = package / "datapackage.json"
    content = json.loads(path.read_text())
    content["contributors"] = [{"title": "Ada", "role": "contact"}]
    content["project"]["samplingDesign"] = "targeted"
    path.write_text(json.dumps(content))
    assert count(model, garden, *options) == 0
    again = json.loads(path.read_text())
    assert again["contributors"] == content["contributors"]
    assert again["project"] == content["project"]
    del content["sources"]
    path.write_text(json.dumps(content))
    assert count(model, garden, *options) == 1
    assert "is of no package that sparrow count wrote" in capsys.readouterr().err
    assert json.loads(path.read_text()) == content


def test_a_time_that_a_clock_showed_twice_is_in_doubt(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In Berlin, 02:30 was twice on 25 October 2026."""
    home = tmp_path / "night"
    home.mkdir()
    shutil.copy(photos / "pond & reed" / "undated.jpg", home / "IMG_20261025_023000.jpg")
    package = tmp_path / "dp"
    options = ("--camtrap-dp", package, "--location", "52.5,13", "--timezone", "Europe/Berlin")
    assert count(model, home, *options) == 0
    assert rules.table(package, "deployments")[0]["timestampIssues"] == "true"
    assert "night: 1 photos were taken when summer time changed" in capsys.readouterr().err
    assert rules.violations(package) == []


def test_the_rules_find_what_is_broken(model: Path, photos: Path, tmp_path: Path) -> None:
    package = tmp_path / "dp"
    assert count(model, photos / "garden", "--camtrap-dp", package, "--location", "52.5,13") == 0
    path = package / "deployments.csv"
    path.write_text(path.read_text().replace("52.5,", ",").replace("garden,", "other,"))
    assert [what.partition(":")[0] for what in rules.violations(package)] == [
        "deployments.csv, row 2, latitude = ''",
        "media.csv, deploymentID = 'garden' is not in deployments",
        "observations.csv, deploymentID = 'garden' is not in deployments",
    ]


def test_names_that_the_standard_reads_otherwise() -> None:
    assert deployment_id("NA") == "camera NA"
    assert deployment_id("North") == "North"
    named = {".hidden/a.jpg": False, "a..b.jpg": False, "~a.jpg": False, "a.jpg": True}
    assert {name: can_be_named(name) for name in named} == named
    # A degree of latitude is a 360th of the way around the earth.
    assert distance_m(BERLIN, (BERLIN[0] + 1, BERLIN[1])) == pytest.approx(111_195, abs=1)
    assert {int(box[0]) for box in FOUND} == {1, len(CLASSES)}
