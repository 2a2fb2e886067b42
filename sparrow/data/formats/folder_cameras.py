"""Cameras of photos by the folders of a set: people keep a folder a camera.

A set that is imported has one folder, so what the folders told is a column of its photo table
afterwards, and the day of a folder of days begins a photo's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from sparrow.capture_names import camera_folder, time_in_name
from sparrow.data.formats.annotations import PhotoRow
from sparrow.data.formats.import_report import ImportOptions, ImportReport

_NO_CAMERAS = {"background", "blank", "empty", "negative", "negatives", "none", "positive"}
_TAKEN = (
    "folders were taken for cameras, of which the table has the column Camera "
    "(--cameras none leaves it out)"
)


def with_cameras(
    rows: Sequence[PhotoRow], options: ImportOptions, report: ImportReport
) -> list[PhotoRow]:
    """The photos with the folders that may be their cameras', unless the set names cameras.

    Only where two or more folders remain without those of sets and memory cards
    (``capture_names.camera_folder``), of classes, and those that all photos share.
    """
    told = options.cameras == "none" or any(row.camera for row in rows)
    folders = [] if told else _telling([row.image for row in rows], _labels(rows))
    if len(set(folders) - {""}) < 2:
        return list(rows)
    for folder in sorted(set(folders) - {""}):
        report.add(_TAKEN, folder)
    return [replace(row, camera=folder) for row, folder in zip(rows, folders, strict=True)]


def with_day(name: str) -> str:
    """A photo's name without its folders; the day that only these tell goes before it."""
    last = PurePosixPath(name).name
    time = time_in_name(name)
    return f"{time.day.isoformat()}_{last}" if time and not time_in_name(last) else last


def _telling(names: Sequence[str], labels: set[str]) -> list[str]:
    parts = [
        [part for part in camera_folder(name).split("/") if part and _plain(part) not in labels]
        for name in names
    ]
    shared = 0
    for same in zip(*parts, strict=False):
        if len(set(same)) > 1:
            break
        shared += 1
    return ["/".join(folders[shared:]) for folders in parts]


def _labels(rows: Iterable[PhotoRow]) -> set[str]:
    return {_plain(box[0]) for row in rows for box in row.boxes} | _NO_CAMERAS


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()
