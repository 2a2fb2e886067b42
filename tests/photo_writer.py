"""Writes photos into a folder as cameras, FTP servers and syncing programs do: run as a script.

Started again after a kill, it goes on: what was begun under its own name is written anew.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

WAYS = ("in pieces", "part", "dotfile", "renamed later", "tmp")
LONG_PAUSE_EVERY, LONG_PAUSE_S = 90, 1.6  # longer than the settling time of who reads it


def photo(number: int) -> bytes:
    """A JPEG of its own for each number, brighter or darker by it."""
    rng = np.random.default_rng(number)
    base = 20 + number * 7 % 200
    pixels = (base + rng.integers(0, 20, (60, 80, 3))).astype(np.uint8)
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, "JPEG", quality=70)
    return memory.getvalue()


def final_name(home: Path, number: int) -> Path:
    """Where a photo is in the end: in one of two cameras' folders."""
    way = WAYS[number % len(WAYS)]
    stem = f"{number:05d}-kept" if way == "renamed later" else f"{number:05d}"
    return home / f"cam{number // 2 % 2}" / f"{stem}.jpg"


def write(home: Path, number: int, pause_s: float) -> None:
    """Write one photo in its way; nothing where it is there already under its last name."""
    path, way, content = final_name(home, number), WAYS[number % len(WAYS)], photo(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_bytes() == content:
        return
    names = {
        "part": path.with_name(path.name + ".part"),
        "dotfile": path.with_name(f".{path.name}.Ab12Cd"),
        "tmp": path.with_name(f".syncthing.{path.name}.tmp"),
        "renamed later": path.with_name(f"{number:05d}.jpg"),
    }
    first = names.get(way, path)
    third = len(content) // 3
    with first.open("wb", buffering=0) as file:
        for begin in range(0, len(content), third):
            file.write(content[begin : begin + third])
            time.sleep(LONG_PAUSE_S if number % LONG_PAUSE_EVERY == 0 else pause_s)
    if way not in ("in pieces", "renamed later"):
        first.rename(path)


def write_all(home: Path, photos: int, pause_s: float) -> None:
    """Write all photos; those that are renamed later get their names 40 photos afterwards."""
    for number in range(photos + 40):
        if number < photos:
            write(home, number, pause_s)
        earlier = number - 40
        if earlier >= 0 and WAYS[earlier % len(WAYS)] == "renamed later":
            path = final_name(home, earlier)
            if not path.exists():
                path.with_name(f"{earlier:05d}.jpg").rename(path)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
