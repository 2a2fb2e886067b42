"""Open what is a file and nothing else: to read a pipe or a device can last for ever."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from sparrow.portable import READ_FLAGS

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: Path | str) -> BinaryIO:
    """Open a regular file for reading; a symbolic link is followed.

    Raises:
        OSError: there is no such file, no right to read it, or it is a folder, pipe, socket or
            device; ``strerror`` says which.
    """
    _refuse_other_kinds(os.stat(path), path)  # before opening: to open a device can change it
    # Not blocking: a pipe may have taken the file's place just now.
    descriptor = os.open(path, READ_FLAGS)
    try:
        _refuse_other_kinds(os.fstat(descriptor), path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def sha256_of(path: Path | str) -> str:
    """SHA-256, in hex, of a regular file; it is read in pieces.

    Raises:
        OSError: as ``open_regular``.
    """
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while chunk := file.read(1024**2):
            digest.update(chunk)
    return digest.hexdigest()


def _refuse_other_kinds(status: os.stat_result, path: Path | str) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        reason = f"this is {_KINDS.get(kind, 'something else')}, not a file"
        raise OSError(errno.EINVAL, reason, str(path))
