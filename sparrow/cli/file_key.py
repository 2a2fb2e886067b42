"""Size and times of a file: what tells that it is the one that was read."""

from __future__ import annotations

import os
from pathlib import Path

FileKey = list[int]  # bytes, mtime ns, ctime ns


def file_key(path: Path | str) -> FileKey | None:
    """Size and times of a file, which change with each writing; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return key_of(status)


def key_of(status: os.stat_result) -> FileKey:
    """The same from the status of an open file."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
