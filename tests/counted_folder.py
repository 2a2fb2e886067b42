"""``sparrow count`` as the tests of it call it, and a folder for it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sparrow.cli.main import main


def count(model: Path, *arguments: Any) -> int:
    """Run the command in this process; its exit status."""
    return main(["count", "--model", str(model), "--workers", "1", *map(str, arguments)])


def copy_photos(dataset: Path, home: Path, letters: str) -> Path:
    """Make ``home`` with the first photos of a set: a.jpg, b.jpg … for ``letters`` "ab…"."""
    home.mkdir()
    for name, photo in zip(letters, sorted((dataset / "images").iterdir()), strict=False):
        shutil.copy(photo, home / f"{name}.jpg")
    return home
