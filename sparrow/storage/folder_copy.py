"""One host's copy of a shared folder: which files it has, and which of them were changed since."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sparrow.atomic_file import write_atomic

Parts = tuple[str, ...]  # SHA-256 of a file's content; of an appended one, of each part
Stamp = tuple[int, int, int]  # inode, bytes, time of change in ns
PASSED_OVER = (".partial", ".lock")  # of one process


@dataclass
class FolderCopy:
    """What a copy holds of the shared state, and how far it has read.

    Attributes:
        number: of the newest layer read.
        files: SHA-256 of each file by path; of an appended one, those of its parts.
        stamps: of the copies, as they were fetched or published.
    """

    number: int = 0
    files: dict[str, Parts] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)

    def remember(self, folder: Path) -> None:
        """Note beside the folder what it was fetched as, for the next process of this host."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        values = {"number": self.number, "files": self.files, "stamps": self.stamps}
        write_atomic(_note(folder), json.dumps(values))


def remembered(folder: Path) -> FolderCopy:
    """What an earlier process fetched or published there; empty where nobody did."""
    try:
        values = json.loads(_note(folder).read_text(encoding="utf-8"))
        parts = {path: tuple(parts) for path, parts in values["files"].items()}
        stamps: Mapping[str, list[int]] = values["stamps"]
        known = {path: (inode, size, time) for path, (inode, size, time) in stamps.items()}
        return FolderCopy(int(values["number"]), parts, known)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return FolderCopy()


def _note(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.shared.json")


def list_files(folder: Path) -> list[str]:
    """Relative paths, with ``/``, of the regular files below a folder that may be published."""
    paths = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if not path.is_symlink() and path.is_file() and not name.endswith(PASSED_OVER):
                paths.append(path.relative_to(folder).as_posix())
    return sorted(paths)


def stamp_of(path: Path) -> Stamp | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
