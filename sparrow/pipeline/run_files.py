"""The files that each step leaves in its run's folder: listed, verified and taken over by hash."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from sparrow.regular_file import sha256_of

# Notes of the run itself, and the lock: they say what happened, and are nobody's result.
NOTES = ("report.json", "steps.jsonl", "run.lock", "mlflow_run_id", "mlflow_tuning_run_id")
# A finished run's checkpoints may have been removed to make room; no later step needs them.
DISPENSABLE = "checkpoints"
LINKED_BYTES = 16_000_000  # files this large are only ever replaced, never written in place

Stamp = tuple[int, int, int]


def stamps(folder: Path) -> dict[str, Stamp]:
    """Inode, size and time of change (ns) of each file below a folder, by relative path."""
    listed: dict[str, Stamp] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_symlink() or path.relative_to(folder).as_posix() in NOTES:
                continue
            stat = path.stat()
            listed[path.relative_to(folder).as_posix()] = (
                stat.st_ino,
                stat.st_size,
                stat.st_mtime_ns,
            )
    return listed


def written_since(before: Mapping[str, Stamp], folder: Path) -> dict[str, str]:
    """SHA-256 of each file that is new or changed, by relative path."""
    now = stamps(folder)
    return {
        name: sha256_of(folder / name) for name, stamp in now.items() if before.get(name) != stamp
    }


def missing_or_altered(expected: Mapping[str, str], folder: Path) -> list[str]:
    """Of the files a run left, those that are not as it left them.

    Args:
        expected: SHA-256 by relative path.
        folder: the run's.
    """
    return [name for name, sha256 in expected.items() if not _as_left(folder / name, sha256)]


def take_files(names: Iterable[str], source: Path, target: Path) -> None:
    """Put files of one run's folder into another's; large ones are linked, not copied.

    Files that are there already are replaced.
    """
    for name in names:
        origin, place = source / name, target / name
        if not origin.exists():
            continue  # a dispensable one that was removed to make room
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        if origin.stat().st_size >= LINKED_BYTES:
            try:
                os.link(origin, place)
                continue
            except OSError:  # another file system, or one without links
                pass
        shutil.copy2(origin, place)


def _as_left(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return path.parts[-2] == DISPENSABLE
    return sha256_of(path) == sha256
