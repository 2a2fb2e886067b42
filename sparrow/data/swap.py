"""Put a folder's whole new state in place of the old one in a single step.

The new state is built beside the old one. One system call exchanges the two, so a reader, or a
kill at any moment, sees either the one or the other.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparrow.data.errors import DataError

INCOMING = ".incoming"  # being built: worthless until it is exchanged
OUTGOING = ".outgoing"  # the old state, where the file system cannot exchange

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def next_state(folder: Path) -> Iterator[Path]:
    """An empty folder in which to build; at the block's end it becomes ``folder``, in one step.

    Whatever goes wrong in the block, ``folder`` is as it was.

    Raises:
        DataError: the disk is full, or the file system refuses.
    """
    folder = folder.resolve()
    incoming = folder.with_name(folder.name + INCOMING)
    shutil.rmtree(incoming, ignore_errors=True)
    try:
        incoming.mkdir(parents=True)
        yield incoming
        _switch(folder, incoming)
    except OSError as error:
        raise DataError(
            f"{folder}: not changed, the new state cannot be written: {error}"
        ) from error
    finally:
        # What lies here now is the old state, or one that was not completed.
        shutil.rmtree(incoming, ignore_errors=True)


def _switch(folder: Path, incoming: Path) -> None:
    sync_tree(incoming)
    if not folder.exists():
        incoming.rename(folder)
    elif not _exchange(incoming, folder):
        outgoing = folder.with_name(folder.name + OUTGOING)
        shutil.rmtree(outgoing, ignore_errors=True)
        folder.rename(outgoing)
        incoming.rename(folder)
        shutil.rmtree(outgoing)
    _sync(folder.parent)


def recover(folder: Path) -> None:
    """Finish or undo what a killed switch left behind; nothing in all other cases.

    Only where the file system cannot exchange folders is there a moment without a current state;
    the old state is then put back.
    """
    folder = folder.resolve()
    outgoing = folder.with_name(folder.name + OUTGOING)
    if outgoing.exists() and not folder.exists():
        outgoing.rename(folder)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Those who change one folder take turns; what a killed one left is cleared away first."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        recover(folder)
        for ending in (INCOMING, OUTGOING):
            shutil.rmtree(folder.with_name(folder.name + ending), ignore_errors=True)
        yield


def link_tree(source: Path, target: Path) -> None:
    """Copy a folder's files as hard links where possible: photos are stored once."""
    shutil.copytree(source, target, copy_function=link_file, dirs_exist_ok=True)


def link_file(source: str | Path, target: str | Path) -> None:
    """One file, as a hard link where the file system allows it, as a copy elsewhere."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        shutil.copy2(source, target)


def sync_tree(folder: Path) -> None:
    """Everything in the folder is on the disk when this returns."""
    for place, _, names in os.walk(folder):
        for name in names:
            _sync(Path(place) / name)
        _sync(Path(place))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(a: Path, b: Path) -> bool:
    """Swap two folders in one step; False where the system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    paths = os.fsencode(a), os.fsencode(b)
    done = libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE)
    return bool(done == 0)
