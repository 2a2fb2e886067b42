"""Archives: a good one becomes a set, a bad one writes nothing anywhere."""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError
from sparrow.data.ingest.download import download_dataset, unpack


def pack(folder: Path, archive: Path, below: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            file.write(path, Path(below) / path.relative_to(folder))
    return archive


@pytest.mark.parametrize("below", ["", "house-sparrow-detection/data"])
def test_a_set_is_found_wherever_it_lies_in_the_archive(
    tmp_path: Path, config: DataConfig, photos: Any, below: str
) -> None:
    archive = pack(photos.write(), tmp_path / "set.zip", below)
    root = download_dataset(tmp_path / "fetched", archive)
    assert check_dataset(root, config).report.violations == ()
    assert archive.exists()
    with pytest.raises(DataError, match="holds files already"):
        download_dataset(root, archive)


@pytest.mark.parametrize(
    "name", ["../out.txt", "/tmp/out.txt", "a/../../out.txt", "..\\out.txt", "C:\\out.txt", "a\nb"]
)
def test_no_member_escapes(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("image_info.csv", "fine")
        file.writestr(name, "bad")
    with pytest.raises(DataError, match="nothing was unpacked"):
        unpack(archive, tmp_path / "into")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.zip"]


def test_no_member_is_a_link(tmp_path: Path) -> None:
    archive = tmp_path / "link.zip"
    link = zipfile.ZipInfo("images")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(link, "/etc")
    with pytest.raises(DataError, match="no plain"):
        unpack(archive, tmp_path / "into")


def test_an_absurd_size_is_refused_before_unpacking(tmp_path: Path) -> None:
    archive = tmp_path / "bomb.zip"
    member = zipfile.ZipInfo("zeros")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(member, b"0")
        member.file_size = 10**12  # what the directory claims is what is judged
    with pytest.raises(DataError, match="at most"):
        unpack(archive, tmp_path / "into")


@pytest.mark.parametrize("content", [None, b"", b"no zip", "cut", "flipped"])
def test_a_damaged_archive_is_refused(tmp_path: Path, photos: Any, content: Any) -> None:
    archive = tmp_path / "set.zip"
    if content in ("cut", "flipped"):
        whole = bytearray(pack(photos.write(), archive).read_bytes())
        if content == "flipped":
            whole[60:90] = bytes(30)
        archive.write_bytes(whole if content == "flipped" else whole[: len(whole) // 2])
    elif content is not None:
        archive.write_bytes(content)
    with pytest.raises(DataError, match=r"set\.zip"):
        download_dataset(tmp_path / "into", archive)
    assert not (tmp_path / "into").exists()


def test_an_archive_without_a_set_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "other.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("readme.txt", "birds")
    with pytest.raises(DataError, match="holds 0 sets"):
        download_dataset(tmp_path / "into", archive)
    assert not (tmp_path / "into").exists()


def test_without_a_token_one_message_says_what_to_do(tmp_path: Path) -> None:
    if importlib.util.find_spec("kaggle") is None:
        pytest.skip("Kaggle's client is an extra that is not installed here")
    # In a process of its own and an empty home: the client looks for a token when it is imported.
    script = (
        "from sparrow.data.ingest.download import *\n"
        f"download_dataset(Path({str(tmp_path / 'x')!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.splitlines()[-1]
    assert "there is none" in last
    assert "sparrow data download --archive FILE.zip" in last
    assert done.stdout == ""
    assert not (tmp_path / "x").exists()
