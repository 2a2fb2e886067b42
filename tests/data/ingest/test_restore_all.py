"""Every version of a log of many kinds of change comes back bit for bit: tables and photos."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from sparrow.config import DataConfig
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.ingest.versions import read_log, restore_version


def state(root: Path) -> dict[str, str]:
    """SHA-256 of every file that makes the set: photos and tables, not its history."""
    paths = [*(root / "images").iterdir(), root / "image_info.csv", *(root / "bboxes").iterdir()]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(paths)
    }


def rows(root: Path) -> dict[str, list[str]]:
    """The tables' lines, sorted: the order of rows is not part of a version."""
    paths = (root / "image_info.csv", root / "bboxes" / "bounding_boxes.csv")
    return {path.name: sorted(path.read_text().splitlines()) for path in paths}


def photos_of(root: Path) -> dict[str, str]:
    return {name: sha for name, sha in state(root).items() if name.startswith("images/")}


def test_every_version_comes_back_bit_for_bit(config: DataConfig, photos: Any, new: Any) -> None:
    photos.pictures["photo004.png"] = photos.pictures["photo001.png"]  # one file under two names
    photos.write()
    seen: dict[str, tuple[dict[str, str], dict[str, list[str]]]] = {}

    def note() -> None:
        version = ingest_new(config).data_version
        assert version is not None
        seen[version] = photos_of(photos.root), rows(photos.root)

    note()
    # Photos are added, among them a copy of an old and a pair of new ones.
    new.pictures["photo100.png"] = new.pictures["photo103.png"]
    new.write()
    note()
    # A correction under another name: of both copies.
    new.pictures = {"1f0c-photo001.png": photos.pictures["photo001.png"]}
    new.info = photos.info[photos.info["Name"] == "photo001.png"].assign(Name="1f0c-photo001.png")
    new.boxes = photos.boxes[photos.boxes["image_name"] == "photo001.png"].assign(
        image_name="1f0c-photo001.png", bbox_width=33
    )
    new.write()
    note()
    # By hand: one of two copies is removed, a photo renamed, an author and a box put right.
    info, boxes = photos.root / "image_info.csv", photos.root / "bboxes" / "bounding_boxes.csv"
    (photos.root / "images" / "photo004.png").unlink()
    os.rename(photos.root / "images" / "photo005.png", photos.root / "images" / "renamed.png")
    for path in (info, boxes):
        lines = [line for line in path.read_text().splitlines() if "photo004.png" not in line]
        text = "\n".join(lines).replace("photo005.png", "renamed.png")
        path.write_text(
            text.replace("author 0", "Ada").replace("30,10,20,15", "30,10,21,15") + "\n"
        )
    note()
    versions = list(seen)
    log = read_log(photos.root)
    assert [line["version"] for line in log] == versions
    assert [(len(line["added"]), len(line["corrected"]), len(line["removed"])) for line in log] == [
        (6, 0, 0), (4, 0, 0), (0, 2, 0),
        (1, 4, 2),  # two photos of one author, two with such a box; who is renamed is new, and gone
    ]  # fmt: skip
    for version in [*versions[::-1], versions[2], versions[1], versions[3]]:
        restore_version(config, version)
        assert (photos_of(photos.root), rows(photos.root)) == seen[version]
        files = list((photos.root / "images").iterdir())
        assert len({path.stat().st_ino for path in files}) == len(files)  # no two names, one file
