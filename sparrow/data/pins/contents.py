"""Which files a set has, their SHA-256, and where a content is kept in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sparrow.config import DataConfig
from sparrow.data.checks.measure_cache import FileKey, MeasureCache, file_key, measure_folder
from sparrow.data.errors import DataError, as_data_errors
from sparrow.data.ingest.versions import HISTORY
from sparrow.data.pins.manifest import FileEntry
from sparrow.progress import Progress
from sparrow.regular_file import sha256_of

KEPT_PHOTOS = f"{HISTORY}/photos"  # as ``restore`` keeps them: by content
KEPT_FILES = f"{HISTORY}/files"  # tables and others that a pull replaced, by content
THREADS = 8


@dataclass(frozen=True)
class Contents:
    """The files of a set as they are now, by path: all but ``history/`` and hidden ones."""

    root: Path
    files: Mapping[str, FileEntry]

    def path_of(self, sha256: str) -> Path | None:
        """Where the set has a content, in use or kept; None where it has not."""
        in_use = self._by_content.get(sha256)
        paths = [self.root / in_use] if in_use is not None else []
        return next(
            (path for path in (*paths, *kept_paths(self.root, sha256)) if path.is_file()), None
        )

    @cached_property
    def _by_content(self) -> dict[str, str]:
        return {entry.sha256: entry.path for entry in self.files.values()}


def kept_paths(root: Path, sha256: str) -> tuple[Path, Path]:
    """Where a set keeps a content that is not in use: a photo, anything else."""
    return root / KEPT_PHOTOS / sha256, root / KEPT_FILES / sha256


def read_contents(root: Path, config: DataConfig, progress: Progress | None = None) -> Contents:
    """Hash all files of a set; photos that are as they were when measured are not read again.

    Raises:
        DataError: a file cannot be read, is no file, or has a name that is no text.
    """
    paths = data_files(root)
    resolved = {path: (root / path).resolve() for path in paths}
    with MeasureCache(measure_folder(config)) as cache:
        known = cache.unchanged(resolved.values())
        sha256s = {path: known[resolved[path]][1] for path in paths if resolved[path] in known}
        waiting = {path: resolved[path] for path in paths if path not in sha256s}
        with as_data_errors("its files cannot be read", root):
            hashed = _hash(waiting, progress)
            settled = (path for path in hashed if hashed[path][1] == file_key(resolved[path]))
            cache.written({resolved[path]: hashed[path][0] for path in settled})
            sha256s |= {path: sha256 for path, (sha256, _) in hashed.items()}
            sizes = {path: resolved[path].stat().st_size for path in paths}
    return Contents(root, {path: FileEntry(path, sha256s[path], sizes[path]) for path in paths})


def _hash(
    paths: Mapping[str, Path], progress: Progress | None
) -> dict[str, tuple[str, FileKey | None]]:
    """SHA-256 of each, and its key before it was read."""

    def hash_file(path: str) -> tuple[str, tuple[str, FileKey | None]]:
        key = file_key(paths[path])
        return path, (sha256_of(paths[path]), key)

    hashed = {}
    with ThreadPoolExecutor(THREADS) as threads:
        for path, value in threads.map(hash_file, paths):
            hashed[path] = value
            if progress:
                progress(len(hashed), len(paths))
    return hashed


def data_files(root: Path) -> list[str]:
    """Paths below the set's folder, with ``/``, sorted. Symbolic links are followed.

    Raises:
        DataError: a name that is no text, something that is no file, links that lead in a circle.
    """
    if not root.exists():
        return []
    with as_data_errors("its files cannot be listed", root):
        return sorted(_walk(root, "", frozenset()))


def _walk(folder: Path, below: str, above: frozenset[str]) -> Iterator[str]:
    above = above | {os.path.realpath(folder)}
    with os.scandir(folder) as listing:
        entries = list(listing)
    for entry in entries:
        path = below + entry.name
        if entry.name.startswith(".") or entry.name.endswith(".partial") or path == HISTORY:
            continue
        _refuse_unnamed(folder, entry.name)
        if entry.is_dir():
            if os.path.realpath(entry.path) in above:
                raise DataError(f"{entry.path}: this link leads to a folder that it is in itself")
            yield from _walk(Path(entry.path), path + "/", above)
        elif entry.is_file():
            yield path
        else:
            raise DataError(f"{entry.path}: expected a file; a link to nothing, a pipe or a device")


def _refuse_unnamed(folder: Path, name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{folder}: the name {name!r} is not UTF-8; rename the file") from error
