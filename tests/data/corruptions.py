"""Ways to break a valid set of photos on disk; each must be named by the checks or refused.

``CORRUPTIONS`` maps a name to a function (root, prefix, random generator) that breaks one thing.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

Rng = np.random.Generator
Corruption = Callable[[Path, str, Rng], None]
Row = list[str]

NUMBERS = ("bbox_x", "bbox_y", "bbox_width", "bbox_height", "image_width", "image_height")
NO_NUMBERS = ["", " ", "x", "1,5", "1.2.3", "--1", "nan", "inf", "-inf", "1e999", "0x1F", "٣", "\0"]


def _tables(root: Path, prefix: str) -> tuple[Path, Path]:
    return root / f"{prefix}image_info.csv", root / "bboxes" / f"{prefix}bounding_boxes.csv"


def _read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _photo(root: Path, rng: Rng) -> Path:
    return Path(rng.choice(sorted((root / "images").iterdir())))


def _set_cell(path: Path, column: str, value: str, rng: Rng) -> None:
    rows = _read(path)
    rows[int(rng.integers(1, len(rows)))][rows[0].index(column)] = value
    _write(path, rows)


def bad_number(root: Path, prefix: str, rng: Rng) -> None:
    column, value = str(rng.choice(NUMBERS)), str(rng.choice(NO_NUMBERS))
    _set_cell(_tables(root, prefix)[1], column, value, rng)


def bad_range(root: Path, prefix: str, rng: Rng) -> None:
    value = str(rng.choice(["-1", "-0.5", "99999", "1e30", "3000.5"]))
    _set_cell(_tables(root, prefix)[1], str(rng.choice(NUMBERS)), value, rng)


def bad_count(root: Path, prefix: str, rng: Rng) -> None:
    value = str(rng.choice(["-1", "7", "1.5", "many", "", "1e9", "301"]))
    _set_cell(_tables(root, prefix)[0], "Number_HSparrows", value, rng)


def bad_text(root: Path, prefix: str, rng: Rng) -> None:
    column = str(rng.choice(["Author", "Source", "License", "Name"]))
    value = str(
        rng.choice(["", "  "] if column == "Author" else ["", " ", "other", "\u202e", "a\nb"])
    )
    _set_cell(_tables(root, prefix)[0], column, value, rng)


def bad_label(root: Path, prefix: str, rng: Rng) -> None:
    column = str(rng.choice(["label_name", "image_name"]))
    value = str(rng.choice(["", "House_Sparrow", " house_sparrow", "0", "none.png"]))
    _set_cell(_tables(root, prefix)[1], column, value, rng)


def escaping_name(root: Path, prefix: str, rng: Rng) -> None:
    names = [
        "../x.png",
        "/etc/passwd",
        "a/b.png",
        "..",
        ".",
        "C:\\x.png",
        "\0.png",
        "x" * 300 + ".png",
    ]
    _set_cell(_tables(root, prefix)[0], "Name", str(rng.choice(names)), rng)


def header_changed(root: Path, prefix: str, rng: Rng) -> None:
    path = _tables(root, prefix)[int(rng.integers(2))]
    rows = _read(path)
    i = int(rng.integers(len(rows[0])))
    kind = int(rng.integers(5))
    if kind == 0:
        rows = rows[1:]  # no header at all
    elif kind == 1:
        rows[0][i] = rows[0][i].swapcase()
    elif kind == 2:
        rows[0][i] = rows[0][i - 1]  # a column named twice
    elif kind == 3:
        rows = [[*row[:i], *row[i + 1 :]] for row in rows]
    else:
        rows[0].insert(i, "")
    _write(path, rows)


def cells_shifted(root: Path, prefix: str, rng: Rng) -> None:
    path = _tables(root, prefix)[int(rng.integers(2))]
    rows = _read(path)
    kind = int(rng.integers(3))
    chosen = range(1, len(rows)) if kind == 0 else [int(rng.integers(1, len(rows)))]
    for i in chosen:
        rows[i] = rows[i][:-2] if kind == 2 else [*rows[i], "extra"]
    _write(path, rows)


def encoding(root: Path, prefix: str, rng: Rng) -> None:
    path = _tables(root, prefix)[int(rng.integers(2))]
    text = path.read_text(encoding="utf-8")
    kind = int(rng.integers(4))
    if kind == 0:
        path.write_bytes(text.encode("utf-16"))
    elif kind == 1:
        path.write_bytes(b"\xff\xfe\xfa" + text.encode()[3:])
    elif kind == 2:
        path.write_bytes(os.urandom(500))
    else:
        path.write_text('"' + text, encoding="utf-8")  # a quote that never closes


def file_gone(root: Path, prefix: str, rng: Rng) -> None:
    info, boxes = _tables(root, prefix)
    targets = [info, boxes, root / "images", root / "bboxes", _photo(root, rng)]
    target = targets[int(rng.integers(len(targets)))]
    shutil.rmtree(target) if target.is_dir() else target.unlink()


def file_is_a_folder(root: Path, prefix: str, rng: Rng) -> None:
    targets = [*_tables(root, prefix), _photo(root, rng)]
    target = targets[int(rng.integers(len(targets)))]
    target.unlink()
    target.mkdir()


def file_emptied(root: Path, prefix: str, rng: Rng) -> None:
    targets = [*_tables(root, prefix), _photo(root, rng)]
    targets[int(rng.integers(len(targets)))].write_bytes(b"")


def photo_cut(root: Path, prefix: str, rng: Rng) -> None:
    path = _photo(root, rng)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * rng.uniform(0.05, 0.9))])


def photo_is_something_else(root: Path, prefix: str, rng: Rng) -> None:
    contents = [b"<html>not found</html>", b"\0" * 5000, os.urandom(3000), b"%PDF-1.7", b"GIF89a"]
    _photo(root, rng).write_bytes(contents[int(rng.integers(len(contents)))])


def photo_is_huge(root: Path, prefix: str, rng: Rng) -> None:
    with _photo(root, rng).open("r+b") as file:
        file.truncate(600 * 1024**2)  # sparse: no disk is used


def photo_is_a_pipe(root: Path, prefix: str, rng: Rng) -> None:
    path = _photo(root, rng)
    path.unlink()
    os.mkfifo(path)


def photo_is_a_dead_link(root: Path, prefix: str, rng: Rng) -> None:
    path = _photo(root, rng)
    path.unlink()
    path.symlink_to(root / "nowhere.png")


def stray_file(root: Path, prefix: str, rng: Rng) -> None:
    (root / "images" / str(rng.choice(["stray.png", "Thumbs.db", "notes.txt"]))).write_bytes(b"x")


def row_repeated(root: Path, prefix: str, rng: Rng) -> None:
    path = _tables(root, prefix)[int(rng.integers(2))]
    rows = _read(path)
    rows.append(rows[int(rng.integers(1, len(rows)))])
    _write(path, rows)


def row_gone(root: Path, prefix: str, rng: Rng) -> None:
    path = _tables(root, prefix)[int(rng.integers(2))]
    rows = _read(path)
    del rows[int(rng.integers(1, len(rows)))]
    _write(path, rows)


def table_cut(root: Path, prefix: str, rng: Rng) -> None:
    path = _tables(root, prefix)[int(rng.integers(2))]
    whole = path.read_bytes().rstrip()
    path.write_bytes(whole[: int(rng.integers(1, len(whole) * 3 // 4))])


def table_swapped(root: Path, prefix: str, rng: Rng) -> None:
    info, boxes = _tables(root, prefix)
    content = info.read_bytes()
    info.write_bytes(boxes.read_bytes())
    boxes.write_bytes(content)


CORRUPTIONS: dict[str, Corruption] = {
    corruption.__name__: corruption
    for corruption in (
        bad_number,
        bad_range,
        bad_count,
        bad_text,
        bad_label,
        escaping_name,
        header_changed,
        cells_shifted,
        encoding,
        file_gone,
        file_is_a_folder,
        file_emptied,
        photo_cut,
        photo_is_something_else,
        photo_is_huge,
        photo_is_a_pipe,
        photo_is_a_dead_link,
        stray_file,
        row_repeated,
        row_gone,
        table_cut,
        table_swapped,
    )
}
