"""The files that each step leaves in its run's folder: listed, verified and taken over by hash."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparrow.pipeline.classes import SETTLED
from sparrow.portable import hard_link
from sparrow.regular_file import sha256_of

# Notes of the run itself, and the lock: they say what happened, and are nobody's result.
NOTES = (
    "report.json", "steps.jsonl", "run.lock", "mlflow_run_id", "mlflow_tuning_run_id", SETTLED,
)  # fmt: skip
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


@dataclass(frozen=True)
class WholeFiles:
    """Files that a run left, where they still are as it left them.

    Attributes:
        paths: of those that are whole, by relative path.
        wrong: relative paths of those that are gone or altered.
    """

    paths: Mapping[str, Path]
    wrong: tuple[str, ...]


def find_files(expected: Mapping[str, str], folders: Sequence[Path]) -> WholeFiles:
    """Look for each file in several folders, the first one first.

    Args:
        expected: SHA-256 by relative path.
        folders: of the run, and of runs that took its files over.
    """
    paths: dict[str, Path] = {}
    wrong: list[str] = []
    for name, sha256 in expected.items():
        candidates = [folder / name for folder in folders if (folder / name).is_file()]
        whole = next((path for path in candidates if sha256_of(path) == sha256), None)
        if whole is not None:
            paths[name] = whole
        elif candidates or Path(name).parts[0] != DISPENSABLE:
            wrong.append(name)
    return WholeFiles(paths, tuple(wrong))


def take_files(paths: Mapping[str, Path], target: Path) -> None:
    """Put files into a run's folder, by relative path; large ones are linked, not copied.

    Files that are there already are replaced.
    """
    for name, origin in paths.items():
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        if origin.stat().st_size >= LINKED_BYTES:
            try:
                hard_link(origin, place)
                continue
            except OSError:  # another file system, or one without links
                pass
        shutil.copy2(origin, place)
