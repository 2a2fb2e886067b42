"""Random sets in random dialects with random damage: read exactly right, or refused with reason.

``make test`` tries a few; ``make test-formats`` tries 500.
"""

from __future__ import annotations

import csv
import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from written_sets import (
    NAMINGS,
    Photo,
    write_coco,
    write_csv,
    write_photo,
    write_text,
    write_voc,
    write_yolo,
)
from written_tool_sets import TOOL_WRITERS

from sparrow.data.errors import DataError
from sparrow.data.formats.imports import Target, import_set

# Whatever people and cameras call a file: no sign that Windows or a path forbids.
NAMES = st.text("abcXYZ019 ._-()+#%&=,;ßüéÅ麻雀", min_size=1, max_size=12).filter(
    lambda name: name == name.strip(" .") and "%" not in name[:-2]
)
CLASSES = ("house sparrow", "Blaumeise ü", "fox")
SUFFIXES = (".jpg", ".JPG", ".png", ".jpeg")
FOLDERS = ("cam 1", "2021-03-04", "a.b", "Ünter", "deep/er")
Writer = Callable[[Path, list[Photo]], None]


@st.composite
def photo_lists(draw: st.DrawFn) -> list[Photo]:
    """Two to five photos whose names differ by more than case and suffix."""
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique_by=str.casefold))
    return [draw(_photos(name)) for name in names]


@st.composite
def _photos(draw: st.DrawFn, name: str) -> Photo:
    width, height = draw(st.integers(24, 90)), draw(st.integers(24, 90))
    boxes = []
    for _ in range(draw(st.integers(0, 3))):
        x0, y0 = draw(st.integers(0, width - 4)), draw(st.integers(0, height - 4))
        x1, y1 = draw(st.integers(x0 + 2, width)), draw(st.integers(y0 + 2, height))
        boxes.append((draw(st.sampled_from(CLASSES)), x0, y0, x1, y1))
    suffix = draw(st.sampled_from(SUFFIXES))
    part = draw(st.sampled_from(("train", "valid", "test")))
    return Photo(name + suffix, (width, height), tuple(boxes), part)


def writer(rng: Random) -> tuple[str, dict[str, object], Writer]:
    """A format with a dialect of it."""
    kind = rng.choice(("coco", "voc", "yolo", "csv", *TOOL_WRITERS))
    if kind in TOOL_WRITERS:
        write_tool, choices = TOOL_WRITERS[kind]
        chosen: dict[str, object] = {key: rng.choice(values) for key, values in choices.items()}
        return kind, chosen, lambda root, photos: write_tool(root, photos, **chosen)
    dialects: dict[str, dict[str, tuple[object, ...]]] = {
        "coco": {
            "layout": ("images", "beside", "roboflow", "official", "cvat"),
            "naming": tuple(NAMINGS), "numbers": ("whole", "text", "polygon", "edge"),
            "sizes": (True, False),
        },
        "voc": {
            "layout": ("JPEGImages", "images", "nested", "beside", "split"),
            "naming": tuple(NAMINGS), "encoding": ("utf-8", "utf-16", "gb18030"),
            "sizes": (True, False),
        },
        "yolo": {
            "layout": ("images", "roboflow", "ultralytics", "beside", "darknet"),
            "classes": ("classes.txt", "data.yaml", "dataset.yaml", "obj.names"),
            "form": ("box", "polygon", "confidence"), "digits": (6, 12),
        },
        "csv": {
            "layout": ("contract", "tensorflow", "kaggle", "retinanet"),
            "separator": (",", ";", "\t"), "encoding": ("utf-8", "utf-8-sig", "utf-16"),
            "blank_rows": (True, False),
        },
    }  # fmt: skip
    dialect = {key: rng.choice(values) for key, values in dialects[kind].items()}
    write = {"coco": write_coco, "voc": write_voc, "yolo": write_yolo, "csv": write_csv}[kind]
    return kind, dialect, lambda root, photos: write(root, photos, **dialect)  # type: ignore[operator]


# Damage of what was written. Each says whether it did anything.
def a_photo_is_gone(root: Path, rng: Random) -> bool:
    rng.choice(photo_files(root)).unlink()
    return True


def a_photo_is_new(root: Path, rng: Random) -> bool:
    place = rng.choice(photo_files(root)).parent
    write_photo(place / "unlisted.png", Photo("unlisted.png", (20, 20)))
    return True


def a_label_file_is_cut(root: Path, rng: Random) -> bool:
    path = rng.choice(label_files(root))
    content = path.read_bytes()
    if path.suffix in (".json", ".xml"):
        path.write_bytes(content[: rng.randint(1, len(content) - 4)])
        return True
    return _change_last_number(path, "")


def a_number_is_a_word(root: Path, rng: Random) -> bool:
    return _change_last_number(rng.choice(label_files(root)), "x7")


def a_label_file_is_there_twice(root: Path, rng: Random) -> bool:
    path = rng.choice(label_files(root))
    if path.name in ("image_info.csv", "bounding_boxes.csv"):
        return False
    (root / "copy").mkdir()
    shutil.copy(path, root / "copy" / path.name)
    return True


def two_photos_are_one_picture(root: Path, rng: Random) -> bool:
    first, second = rng.sample(photo_files(root), 2)
    shutil.copy(first, second)
    return True


def two_photos_change_places(root: Path, rng: Random) -> bool:
    first, second = rng.sample(photo_files(root), 2)
    contents = first.read_bytes(), second.read_bytes()
    second.write_bytes(contents[0])
    first.write_bytes(contents[1])
    return True


DAMAGE = (
    a_photo_is_gone, a_photo_is_new, a_label_file_is_cut, a_number_is_a_word,
    a_label_file_is_there_twice, two_photos_are_one_picture,
)  # fmt: skip


def _change_last_number(path: Path, to: str) -> bool:
    """Put something in the place of the last coordinate of a text table."""
    content = path.read_bytes()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    declared = re.search(rb'encoding="([^"]+)"', content)
    encoding = declared.group(1).decode() if declared else encoding
    text = content.decode(encoding)
    pattern = {
        ".xml": r"(?s)(.*<ymax>)\d+(.*)", ".json": r"(?s)(.*\[)\d+(.*)",
        ".txt": r"(?s)(.*) [\d.]+(\s*)$", ".csv": r"(?s)(.*[,;\t ])\d+([,;\t\]].*)",
    }[path.suffix]  # fmt: skip
    changed, count = re.subn(
        pattern, rf"\g<1>{' ' if path.suffix == '.txt' and to else ''}{to}\2", text
    )
    path.write_bytes(changed.encode(encoding))
    return count == 1 and changed != text


def photo_files(root: Path) -> list[Path]:
    paths = (p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    return sorted(path for path in paths if path.parent.name != "@eaDir")


def label_files(root: Path) -> list[Path]:
    names = ("classes.txt", "data.yaml", "dataset.yaml", "obj.names")
    kinds = (".json", ".xml", ".txt", ".csv")
    return sorted(p for p in root.rglob("*") if p.suffix in kinds and p.name not in names)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def shuffle_folders(root: Path, kind: str, rng: Random) -> None:
    """Photos go deeper into folders; nothing but their names leads to them then."""
    for path in photo_files(root):
        if rng.random() < 0.5:
            folder = path.parent / rng.choice(FOLDERS)
            folder.mkdir(parents=True, exist_ok=True)
            path.rename(folder / path.name)


def imported_boxes(raw: Path) -> dict[str, list[tuple[object, ...]]]:
    """Boxes by the content of their photo."""
    boxes: dict[str, list[tuple[object, ...]]] = {sha256(p): [] for p in (raw / "images").iterdir()}
    with (raw / "bboxes" / "bounding_boxes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            x, y, width, height = (
                float(row[f"bbox_{key}"]) for key in ("x", "y", "width", "height")
            )
            # To a hundredth of a pixel: six digits of a fraction.
            corners = (round(v, 2) + 0.0 for v in (x, y, x + width, y + height))
            key = sha256(raw / "images" / row["image_name"])
            boxes[key].append((row["label_name"], *corners))
    return {key: sorted(rows) for key, rows in boxes.items()}


def try_a_set(photos: list[Photo], rng: Random) -> None:
    with tempfile.TemporaryDirectory() as place:
        root, raw = Path(place, "set"), Path(place, "raw")
        kind, dialect, write = writer(rng)
        inner = root / rng.choice(("", "export", "a/b c"))
        outside = rng.random() < 0.1 and any(photo.boxes for photo in photos)
        write(inner, _reaching_out(photos) if outside else photos)
        by_name = {path.name: sha256(path) for path in photo_files(root)}
        expected = {by_name[photo.name]: sorted(photo.boxes) for photo in photos}
        if kind != "csv" or dialect["layout"] != "contract":
            shuffle_folders(inner, kind, rng)
        write_text(inner / ".DS_Store", "x")
        write_text(inner / "@eaDir" / "a.jpg", "x")
        of_sizes = (two_photos_change_places,) if _has_sizes(kind, dialect, photos) else ()
        damage = rng.choice((None, None, *DAMAGE, *of_sizes))
        damaged = bool(damage and damage(root, rng)) or outside
        note(f"{kind} {dialect} {damage} outside={outside} {photos}")
        note("\n".join(str(p.relative_to(root)) for p in sorted(root.rglob("*"))))
        files = {path.name for path in root.rglob("*")} | set(by_name)
        error = _error_of(kind if rng.random() < 0.5 else None, root, raw)
        if error:
            assert damaged, f"refused without a reason: {error}"
            assert any(name in error or Path(name).stem in error for name in files), error
            assert [path.name for path in Path(place).iterdir()] == ["set"]
        else:
            # Damage that changes nothing is no damage: a size that only one of two places lacks.
            read = imported_boxes(raw)
            if damage is two_photos_are_one_picture:
                _forget_twins(by_name, root, expected, read)
            assert read == expected, "read wrong in silence"


def _forget_twins(
    by_name: dict[str, str], root: Path, expected: dict[str, list], read: dict[str, list]
) -> None:
    """The photo that was replaced and the one in its place are accepted if their classes agree."""
    now = {path.name: sha256(path) for path in photo_files(root)}
    gone = next(content for name, content in by_name.items() if now[name] != content)
    twin = next(content for name, content in now.items() if by_name[name] != content)
    both = expected.pop(gone), expected.pop(twin)
    read.pop(twin)
    assert len({tuple(box[0] for box in boxes) for boxes in both}) == 1, "read wrong in silence"


def _has_sizes(kind: str, dialect: dict[str, object], photos: list[Photo]) -> bool:
    """Whether labels tell photos apart by their sizes, all of which differ."""
    said = dialect.get("sizes", kind == "csv" and dialect["layout"] != "retinanet")
    return bool(said) and len({photo.size for photo in photos}) == len(photos)


def _error_of(kind: str | None, root: Path, raw: Path) -> str:
    try:
        import_set(kind, root, Target(raw))
    except DataError as error:
        return str(error)
    return ""


def _reaching_out(photos: list[Photo]) -> list[Photo]:
    """A box of the first photo that has one ends twenty pixels outside of it."""
    photos = list(photos)
    number = next(n for n, photo in enumerate(photos) if photo.boxes)
    label, x0, y0, _, y1 = photos[number].boxes[0]
    box = (label, x0, y0, photos[number].size[0] + 20, y1)
    photos[number] = replace(photos[number], boxes=(box, *photos[number].boxes[1:]))
    return photos


QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


@settings(QUIET, max_examples=15)
@given(photo_lists(), st.randoms(use_true_random=False))
def test_a_few_random_sets(photos: list[Photo], rng: Random) -> None:
    try_a_set(photos, rng)


@pytest.mark.formats
@settings(QUIET, max_examples=500)
@given(photo_lists(), st.randoms(use_true_random=False))
def test_500_random_sets(photos: list[Photo], rng: Random) -> None:
    try_a_set(photos, rng)
