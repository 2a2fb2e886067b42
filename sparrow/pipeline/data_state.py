"""What the data folders hold now, as hashes: whether a run would find what an earlier run left."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from sparrow.config import DataConfig
from sparrow.data.checks.measure_cache import MeasureCache, measure_folder
from sparrow.data.ingest.versions import HISTORY
from sparrow.data.split.assignments import FILE
from sparrow.regular_file import sha256_of

RAW, NEW, ASSIGNMENTS = "photos and tables", "new photos", "split assignments"
NOTHING = "none"


def data_state(config: DataConfig) -> dict[str, str]:
    """Digests of the content of ``RAW``, ``NEW`` and ``ASSIGNMENTS``; ``NOTHING`` where empty.

    Photos that were measured and are unchanged since are not read again.
    """
    root, new = Path(config.root), Path(config.new)
    assigned = root / HISTORY / FILE
    with MeasureCache(measure_folder(config)) as cache:
        return {
            RAW: _tree(root, cache),
            NEW: _tree(new, cache),
            ASSIGNMENTS: sha256_of(assigned)[:16] if assigned.is_file() else NOTHING,
        }


def _tree(root: Path, cache: MeasureCache) -> str:
    """Over the paths and contents of all files below a folder, its history left out."""
    paths = sorted(_files(root))
    if not paths:
        return NOTHING
    known = cache.unchanged(path.resolve() for path in paths)
    digest = hashlib.sha256()
    for path in paths:
        entry = known.get(path.resolve())
        content = entry[1] if entry else _content(path)
        digest.update(f"{path.relative_to(root).as_posix()}\0{content}\0".encode(errors="replace"))
    return digest.hexdigest()[:16]


def _content(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:  # the step that needs it says so; here it is only another state
        return f"unreadable: {error.strerror}"


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        if Path(folder) == root and HISTORY in folders:
            folders.remove(HISTORY)
        yield from (Path(folder, name) for name in names)
