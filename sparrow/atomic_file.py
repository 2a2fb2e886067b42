"""Write a file whole or not at all: a reader, or a kill at any moment, sees the old one or the new.

What a kill leaves beside it ends in ``.partial`` and is worthless.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sparrow.portable import flush_to_disk

_NAME_BYTES = 200  # of 255: room for what makes the partial name unique


def write_atomic(path: Path, content: str | bytes) -> None:
    """Put a file's new content in place of the old in one step; text is written as UTF-8.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    with atomic_file(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """The path to write a file's new content to; at the block's end it becomes ``path``.

    Its name is of this call alone, so that two writers never share it. If the block raises, it is
    removed, and ``path`` is as it was.
    """
    stem = os.fsdecode(os.fsencode(path.name)[:_NAME_BYTES])
    partial = path.with_name(f"{stem}.{secrets.token_hex(4)}.partial")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Bring a file's bytes, or a folder's names, onto the disk before this returns.

    Raises:
        OSError: it is not there, or the disk refuses.
    """
    flush_to_disk(path)
