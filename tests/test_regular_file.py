"""Only files are opened: whatever else bears a photo's or a table's name is named, at once."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from sparrow.images import ImageError, file_suffix, read_image, upright_size_px
from sparrow.regular_file import open_regular


def make_other_kinds(folder: Path) -> dict[Path, str]:
    """Path -> what it is called, of one of each kind that is no file."""
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket has at most 107 bytes
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
    (folder / "link").symlink_to("pipe")
    return {
        folder / "folder": "a folder",
        folder / "pipe": "a pipe",
        folder / "socket": "a socket",
        folder / "link": "a pipe",
        Path("/dev/zero"): "a device",
        Path("/dev/tty0" if Path("/dev/tty0").exists() else "/dev/null"): "a device",
    }


def test_an_empty_file_and_a_link_to_one_are_files(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b""


def test_every_other_kind_is_named(tmp_path: Path) -> None:
    for path, kind in make_other_kinds(tmp_path).items():
        with pytest.raises(OSError, match=f"this is {kind}, not a file"):
            open_regular(path)
        for read in (read_image, upright_size_px, file_suffix):
            with pytest.raises(ImageError, match=kind):
                read(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("absent", "dangling", "loop"):
        with pytest.raises(OSError, match=r"No such file|Too many levels"):
            open_regular(tmp_path / name)
