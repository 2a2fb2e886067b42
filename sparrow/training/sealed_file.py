"""Checkpoints as torch writes them, with their own SHA-256 inside.

A checkpoint of torch is a ZIP archive, and a ZIP archive may end in a comment. The comment holds
the SHA-256 of all bytes before it, so that file and hash are written, moved and copied as one,
and ``torch.load`` reads the file as before.
"""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path

from sparrow.atomic_file import sync

END_OF_ARCHIVE = b"PK\x05\x06"
END_BYTES = 22  # of that record, when the comment is empty
LABEL = b"sparrow SHA-256 "
COMMENT_BYTES = len(LABEL) + 64


class DamagedFileError(ValueError):
    """A file that is not what was written; the message says in which way."""


def seal(path: Path) -> None:
    """Add its SHA-256 to an archive without a comment, and bring it onto the disk.

    Raises:
        ValueError: the file does not end like an archive without a comment.
    """
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - END_BYTES))
        end = file.read()
        if not end.startswith(END_OF_ARCHIVE) or end[-2:] != b"\0\0":
            raise ValueError(f"{path}: expected a ZIP archive without a comment")
        file.seek(size - 2)
        file.write(struct.pack("<H", COMMENT_BYTES))
        file.flush()
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0, os.SEEK_END)
        file.write(LABEL + digest.encode())
        file.flush()
        os.fsync(file.fileno())


def check_seal(path: Path) -> bool:
    """Compare a file with the SHA-256 inside; False where there is none.

    Raises:
        DamagedFileError: it is empty, or its bytes are others than those that were written.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            raise DamagedFileError("it is empty")
        if size <= COMMENT_BYTES:
            return False
        file.seek(size - COMMENT_BYTES)
        comment = file.read()
        if not comment.startswith(LABEL):
            return False
        digest, left = hashlib.sha256(), size - COMMENT_BYTES
        file.seek(0)
        while left:
            block = file.read(min(left, 1 << 20))
            digest.update(block)
            left -= len(block)
    if digest.hexdigest().encode() != comment.removeprefix(LABEL):
        raise DamagedFileError("its bytes are not those that were written (the SHA-256 differs)")
    return True


def put_in_place(partial: Path, path: Path, previous: Path) -> None:
    """``partial`` becomes ``path``, and what was there becomes ``previous``; on the disk.

    Killed between the two steps, ``previous`` is there and ``path`` is not.

    ``sparrow.atomic_file`` keeps no ``previous``; and its partial names are all different, of which
    a run killed again and again would leave one large file each time.
    """
    sync(partial)
    if path.exists():
        path.replace(previous)
    partial.replace(path)
    sync(path.parent)


def set_aside(path: Path) -> Path:
    """Rename a file that cannot be used, so that it can still be looked at; its new name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.replace(aside)
    return aside
