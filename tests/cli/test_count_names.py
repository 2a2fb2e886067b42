"""Names that nobody expects, and what is in a photo's place without being one."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from counted_folder import count

from sparrow.inference.photo_files import find_photos
from sparrow.spreadsheet import from_cell
from tests.test_regular_file import make_other_kinds

NAMES = [
    b"=cmd|'_C calc'!A0.jpg", b"+1.jpg", b"-1.jpg", b"@x.jpg", b"\ttab.jpg", b"\rcr.jpg",
    b"a\nb.jpg", b"\x1b[2Jclear.jpg", b"quote\".jpg", b"comma,.jpg", b"'='.jpg", b"\xff\xfe.jpg",
    "\uff1d1.jpg".encode(), "\u202egpj.jpg".encode(),
]  # fmt: skip


@pytest.fixture
def folder(drawn_dataset: Path, tmp_path: Path) -> Path:
    photo = min((drawn_dataset / "images").iterdir())
    (tmp_path / "photos").mkdir()
    for name in NAMES:
        shutil.copy(photo, os.fsencode(tmp_path / "photos") + b"/" + name)
    return tmp_path / "photos"


def test_every_name_is_counted_in_every_format(
    model_folder: Path,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)  # so that names begin a cell
    sources = sorted(os.listdir("."))
    expected = [name.encode("utf-8", "backslashreplace").decode() for name in sources]
    # "./-1.jpg" could be told from an option; the name itself is what must be written safely.
    assert count(model_folder, "--to", tmp_path / "c.csv", "--", *sources) == 0
    with (tmp_path / "c.csv").open(newline="", encoding="utf-8") as file:
        cells = [row["file"] for row in csv.DictReader(file)]
    assert [from_cell(cell) for cell in cells] == expected
    assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@\uff1d")]
    assert count(model_folder, "--to", tmp_path / "c.json", "--", *sources) == 0
    photos = json.loads((tmp_path / "c.json").read_text())["photos"]
    assert [photo["file"] for photo in photos] == expected
    assert count(model_folder, "--to", tmp_path / "c.parquet", "--", *sources) == 0
    assert pd.read_parquet(tmp_path / "c.parquet")["file"].tolist() == expected
    capsys.readouterr()
    assert count(model_folder, "--", *sources) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(NAMES)  # a line a photo, and none that steers the terminal
    assert all(line.isprintable() for line in lines)


def test_what_is_no_photo_is_told_and_stops_nothing(
    model_folder: Path, drawn_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "photos"
    home.mkdir()
    shutil.copy(min((drawn_dataset / "images").iterdir()), home / "a.jpg")
    kinds = make_other_kinds(home)
    for path in (path for path in kinds if path.parent == home):
        path.rename(path.with_suffix(".jpg"))
    (home / "link.jpg").unlink()
    (home / "link.jpg").symlink_to("nowhere")
    assert [path.name for path in find_photos([home], recursive=True).photos] == [
        "a.jpg", "link.jpg", "pipe.jpg", "socket.jpg",
    ]  # fmt: skip
    (home / "folder.jpg" / "b.txt").touch()
    assert count(model_folder, "-r", home, "/dev/zero") == 3
    said = capsys.readouterr().err
    for words in ("a pipe", "a socket", "a device", "No such file"):
        assert words in said


def test_a_folder_that_cannot_be_looked_into_is_told(
    model_folder: Path, drawn_dataset: Path, as_nobody: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    home = as_nobody.folder
    photo = min((drawn_dataset / "images").iterdir()).read_bytes()
    for place, mode in (("open", 0o755), ("closed", 0o000), ("no-x", 0o444), ("no-r", 0o311)):
        (home / place).mkdir()
        (home / place / "a.jpg").write_bytes(photo)
        (home / place).chmod(mode)
    (home / "secret.jpg").write_bytes(photo)
    (home / "secret.jpg").chmod(0)
    from sparrow.cli.count_photos import count_file
    from sparrow.inference.counter import PhotoCounter

    counter = PhotoCounter(model_folder)
    with as_nobody:
        files = find_photos([home], recursive=True).photos
        entries = [count_file(counter, file, None) for file in files]
    messages = {str(f.relative_to(home)): e["message"] for f, e in zip(files, entries, strict=True)}
    assert messages == {
        "open/a.jpg": None,
        "no-x/a.jpg": "Permission denied",
        "secret.jpg": "Permission denied",
        "closed": "this folder cannot be looked into (Permission denied)",
        "no-r": "this folder cannot be looked into (Permission denied)",
    }
