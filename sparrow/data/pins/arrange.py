"""Build a pinned state beside a set, from what the set has and what was fetched for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparrow.atomic_file import write_atomic
from sparrow.data.errors import DataError
from sparrow.data.ingest.atomic_dir import copy_file, link_file, link_tree
from sparrow.data.ingest.set_classes import merge_classes
from sparrow.data.ingest.versions import HISTORY, read_log, read_version, record_version
from sparrow.data.pins.contents import KEPT_PHOTOS, Contents, kept_paths
from sparrow.data.pins.manifest import FileEntry, Manifest, manifest_path, sha256_hex
from sparrow.data.split.assignments import merge_assignments
from sparrow.regular_file import sha256_of

LogLine = dict[str, Any]  # of JSON


@dataclass
class _Building:
    """The folder that becomes the set, and where each content is in place in it."""

    folder: Path
    fetched: Path
    in_place: dict[str, Path] = field(default_factory=dict)


def build_state(contents: Contents, manifest: Manifest, incoming: Path, fetched: Path) -> None:
    """Fill an empty folder with a state, its past and all that the set had.

    Args:
        contents: of the set as it is.
        manifest: of the state.
        incoming: the folder.
        fetched: files named by their SHA-256, of all that the set has not.

    Raises:
        DataError: a content is not what its name says; the set is as it was.
        OSError: the folder cannot be written.
    """
    if contents.root.exists():
        link_tree(contents.root.resolve(), incoming)
    building = _Building(incoming, fetched)
    wanted = {entry.path: entry.sha256 for entry in manifest.files}
    for entry in contents.files.values():
        if wanted.get(entry.path) == entry.sha256:
            building.in_place[entry.sha256] = incoming / entry.path
        else:
            _set_aside(building, entry)
    _install(building, manifest.files)
    for sha256 in building.in_place:
        for kept in kept_paths(incoming, sha256):
            kept.unlink(missing_ok=True)  # a content is stored once
    _install(building, [e for e in manifest.past if not _is_here(building, e)])
    _merge_past(manifest, incoming)


def _set_aside(building: _Building, entry: FileEntry) -> None:
    """Keep a content that the state has not, or not there, by its SHA-256."""
    photo, other = kept_paths(building.folder, entry.sha256)
    kept = photo if entry.path.startswith("images/") else other
    source = building.folder / entry.path
    kept.parent.mkdir(parents=True, exist_ok=True)
    source.replace(kept)
    source.unlink(missing_ok=True)  # where both were links to one file, both are left
    with suppress(OSError):  # no more than empty folders
        for folder in source.parents:
            folder.rmdir()


def _is_here(building: _Building, entry: FileEntry) -> bool:
    """Whether a file of the past needs nothing: it is there, or its photo is in use."""
    in_use = entry.path.startswith(KEPT_PHOTOS) and entry.sha256 in building.in_place
    return in_use or (building.folder / entry.path).exists()


def _install(building: _Building, entries: Iterable[FileEntry]) -> None:
    for entry in entries:
        target = building.folder / entry.path
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        in_use = building.in_place.get(entry.sha256)
        if in_use is not None:
            copy_file(in_use, target)  # two links to one file would change together
        else:
            places = [*kept_paths(building.folder, entry.sha256), building.fetched / entry.sha256]
            source = next((place for place in places if place.exists()), places[-1])
            link_file(source, target)
            building.in_place[entry.sha256] = target
        if sha256_of(target) != entry.sha256:
            raise DataError(
                f"{entry.path}: not pulled: {in_use or source} does not hold what its name says, "
                f"{entry.sha256}; remove it and pull again"
            )


def _merge_past(manifest: Manifest, incoming: Path) -> None:
    """Log, split assignments and list of files of the state, beside what the set knew already."""
    local = read_log(incoming)
    lines = merged_logs(local, manifest.log)
    (incoming / HISTORY).mkdir(exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    write_atomic(incoming / HISTORY / "log.jsonl", text)
    merge_assignments(incoming, manifest.assignments or {})
    merge_classes(incoming, manifest.classes)
    content = manifest.to_bytes()
    path = manifest_path(incoming, sha256_hex(content))
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, content)
    dataset = read_version(incoming, manifest.version)
    version = record_version(incoming, dataset, note="pulled")
    if version != manifest.version:
        raise DataError(
            f"not pulled: the tables of version {manifest.version} have the version {version}"
        )


def merged_logs(local: Sequence[LogLine], others: Sequence[LogLine]) -> list[LogLine]:
    """The lines of two logs by their time; within each its own order, also of a clock set back."""
    pairs = [*_with_times(local), *(pair for pair in _with_times(others) if pair[1] not in local)]
    return [line for _, line in sorted(pairs, key=lambda pair: pair[0])]


def _with_times(log: Iterable[LogLine]) -> Iterator[tuple[str, LogLine]]:
    """Each line with the latest time so far."""
    latest = ""
    for line in log:
        latest = max(latest, str(line.get("time", "")))
        yield latest, line
