"""Decoded photos at a network's size, each kept by its content in memory-mapped files.

A file holds the photos that one call decoded, and the index beside it names them. Later calls take
from all files of the same settings what they hold and decode the rest alone, so that a photo added
to a set costs its own decoding and no more. What is over ``storage.prepared_gb`` is deleted when a
run ends, least recently used first (``sparrow.storage.plan``), but never a file in use: each
process locks what it reads until it ends.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from sparrow.atomic_file import atomic_file, write_atomic
from sparrow.images import RgbImage, decode_photo
from sparrow.photo_scale import resize_to_fit
from sparrow.portable import hold_together
from sparrow.progress import Progress

Entry = tuple[str, int, int]  # SHA-256 of a photo's file; height and width as decoded

FORMAT = "4"  # of these files; what another format wrote is not read
MOST_FILES = 16  # for one set; what is spread over as many is copied into one


@dataclass(frozen=True, eq=False)
class _PhotoFile:
    """A verified file, held by this process: the pixels of each photo by the photo's SHA-256."""

    handle: int  # keeps the lock
    photos: dict[str, RgbImage]


_in_use: dict[Path, _PhotoFile] = {}  # held until the process ends, so that nobody deletes it


def decode_photos(
    paths: Mapping[str, Path],
    sides_px: tuple[int, int],
    cache_dir: Path,
    progress: Progress | None = None,
) -> dict[str, RgbImage]:
    """Pixels of each photo, uint8 [height, width, 3], as read-only memory maps.

    Args:
        paths: the photo files by the SHA-256 of their content; only unknown ones are opened.
        sides_px: shortest and longest side to resize to (``photo_scale.resize_to_fit``); what
            is decoded for that is ``photo_scale.times_smaller``'s choice.
        cache_dir: of the files; may be shared by any number of processes.
        progress: called with (photos decoded, photos to decode).

    Raises:
        ImageError: a photo cannot be read.
        OSError: the disk is full, or does not give back what was written.
    """
    settings = settings_key(sides_px)
    files = _files_with(set(paths), cache_dir.glob(f"photos-{settings}-*.bin"))
    known = {key: pixels for file in files for key, pixels in file.photos.items() if key in paths}
    missing = [key for key in paths if key not in known]
    if not missing and len(files) <= MOST_FILES:
        return known
    # The name follows from the order: what two processes write under one name is the same.
    anew = missing if len(files) < MOST_FILES else [*known, *missing]
    path = cache_dir / f"photos-{settings}-{_name_of(anew)}.bin"
    decoded = _decode([(key, paths[key]) for key in missing], sides_px, progress)
    copied = ((key, known[key]) for key in anew if key in known)
    return known | _write(path, chain(copied, decoded)).photos


def settings_key(sides_px: tuple[int, int]) -> str:
    """What the names of the files with photos of a size have in common: ``photos-<key>-``."""
    return hashlib.sha256(repr((FORMAT, sides_px)).encode()).hexdigest()[:8]


def _decode(
    files: Sequence[tuple[str, Path]], sides_px: tuple[int, int], progress: Progress | None
) -> Iterator[tuple[str, RgbImage]]:
    for number, (key, path) in enumerate(files, start=1):
        photo = decode_photo(path, sides_px=sides_px)
        yield key, resize_to_fit(photo.pixels, *sides_px, photo.area)
        if progress:
            progress(number, len(files))


def _name_of(contents: Sequence[str]) -> str:
    return hashlib.sha256("".join(contents).encode()).hexdigest()[:16]


def _files_with(wanted: set[str], paths: Iterable[Path]) -> list[_PhotoFile]:
    """Verified files that together hold what is there of ``wanted``, few rather than many."""
    held = {path: {entry[0] for entry in _read_index(path)[0]} for path in paths}
    files: list[_PhotoFile] = []
    for path in sorted(held, key=lambda path: (-len(held[path] & wanted), path)):
        if (wanted & held[path] or not held[path]) and (file := _open(path)):
            files.append(file)
            wanted = wanted - set(file.photos)
    return files


def _write(path: Path, photos: Iterable[tuple[str, RgbImage]]) -> _PhotoFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    entries: list[Entry] = []
    content = hashlib.sha256()
    with atomic_file(path) as partial:
        with partial.open("wb") as file:
            for key, pixels in photos:
                data = np.ascontiguousarray(pixels).data
                content.update(data)
                file.write(data)
                entries.append((key, *pixels.shape[:2]))
        content.update(json.dumps(entries).encode())
        # The index first: whoever sees the photos must find their sizes.
        index = {"photos": entries, "sha256": content.hexdigest()}
        write_atomic(path.with_suffix(".json"), json.dumps(index))
    if (written := _open(path)) is None:
        raise OSError(f"{path}: what was just written cannot be read back; check the disk")
    return written


def _open(path: Path) -> _PhotoFile | None:
    """Hold a file for as long as this process lives, if it is there and whole.

    A damaged one is deleted, and said: what is in it can be decoded again.
    """
    if path in _in_use:
        return _in_use[path]
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    hold_together(handle)  # several processes read it
    entries, sha256 = _read_index(path)
    with open(handle, "rb", closefd=False) as file:
        content = hashlib.file_digest(file, "sha256")
        content.update(json.dumps(entries).encode())
        whole = content.hexdigest() == sha256
        # It may be deleted, as over its budget, while this process waits.
        if whole and path.exists():
            os.utime(path)  # what was used longest ago goes first
            _in_use[path] = _PhotoFile(handle, _views(np.memmap(file, np.uint8, "r"), entries))
            return _in_use[path]
    os.close(handle)
    if not whole:
        print(f"{path}: damaged; the photos are decoded again", flush=True)
        path.unlink(missing_ok=True)
    return None


def _views(pixels: np.ndarray, entries: Sequence[Entry]) -> dict[str, RgbImage]:
    """Each photo's part of a file."""
    photos, start, flat = {}, 0, np.asarray(pixels)
    for key, height, width in entries:
        end = start + height * width * 3
        photos[key] = flat[start:end].reshape(height, width, 3)
        start = end
    return photos


def _read_index(path: Path) -> tuple[list[Entry], str]:
    """A file's photos in their order, and the digest of both; nothing where it is damaged."""
    try:
        index = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        entries = [(str(key), int(height), int(width)) for key, height, width in index["photos"]]
        return entries, str(index["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return [], ""
