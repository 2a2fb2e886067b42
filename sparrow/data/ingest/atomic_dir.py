"""Put a folder's whole new state in place of the old one in a single step.

The new state is built beside the old one. One system call exchanges the two, so a reader, or a
kill at any moment, sees either the one or the other.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from sparrow.atomic_file import sync
from sparrow.data.errors import DataError, as_data_errors
from sparrow.data.ingest.late_files import file_stamps, keep_late_files
from sparrow.plain_text import one_line
from sparrow.portable import exchange, hard_link
from sparrow.regular_file import open_regular

INCOMING = ".incoming"  # being built: worthless until it is exchanged
OUTGOING = ".outgoing"  # the old state, where the file system cannot exchange
CHUNK_BYTES = 1024**2
LINKS_SHOWN = 3

_NO_LINKS_HERE = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP)

logger = logging.getLogger("sparrow.data")


@contextmanager
def replace_directory(folder: Path) -> Iterator[Path]:
    """An empty folder in which to build; at the block's end it becomes ``folder``, in one step.

    Whatever goes wrong in the block, ``folder`` is as it was. What another program puts into
    ``folder`` or changes there meanwhile is kept (``late_files``).

    Raises:
        DataError: the disk is full, or the file system refuses.
    """
    folder = folder.resolve()
    incoming = folder.with_name(folder.name + INCOMING)
    shutil.rmtree(incoming, ignore_errors=True)
    try:
        incoming.mkdir(parents=True)
        before = file_stamps(folder)
        yield incoming
        old = _switch(folder, incoming)
        keep_late_files(old, before, folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        hint = "; a mount point cannot be replaced: name a folder in it" if _busy(error) else ""
        raise DataError(
            f"{folder}: not changed, the new state cannot be written: {error}{hint}"
        ) from error
    finally:
        # What is here now is the old state, or one that was not completed.
        shutil.rmtree(incoming, ignore_errors=True)


def _busy(error: OSError) -> bool:
    return error.errno == errno.EBUSY


def _switch(folder: Path, incoming: Path) -> Path:
    """Put the new state in its place; where the old one is then."""
    old = incoming
    sync_tree(incoming)
    if not folder.exists():
        incoming.rename(folder)
    elif not exchange(incoming, folder):
        old = folder.with_name(folder.name + OUTGOING)
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        incoming.rename(folder)
    # The state is changed by now, whatever this says.
    with contextlib.suppress(OSError):
        sync(folder.parent)
    return old


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
def file_lock(folder: Path) -> Iterator[None]:
    """Those who change one folder take turns; what a killed one left is cleared away first.

    Who has to wait says so on standard error. The lock is a file beside the folder, which is
    removed at the end.

    Raises:
        DataError: the file cannot be made: no right, a full disk.
    """
    folder = folder.resolve()
    lock = FileLock(folder.parent / f".{folder.name}.lock")
    with as_data_errors("cannot be locked for a change", folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _acquire(lock, folder)
    try:
        with as_data_errors("what a killed program left cannot be cleared away", folder):
            recover(folder)
        for ending in (INCOMING, OUTGOING):
            shutil.rmtree(folder.with_name(folder.name + ending), ignore_errors=True)
        yield
    finally:
        # Removed while it is held: who waits for it sees that it is gone and makes another.
        with contextlib.suppress(OSError):
            os.unlink(lock.lock_file)
        lock.release()


def _acquire(lock: BaseFileLock, folder: Path) -> None:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        logger.warning("%s: another program is changing it; waiting", folder)
        lock.acquire()


def link_tree(source: Path, target: Path) -> None:
    """Copy a folder's files as hard links where possible: photos are stored once.

    A symbolic link is followed and becomes a copy of what it leads to: a hard link would let
    whoever changes the file outside change the set. That is logged: the disk holds it twice.
    """
    root, copied = os.path.realpath(source), list[str]()
    link = partial(_link_inside, os.fspath(source), root, copied)
    shutil.copytree(source, target, copy_function=link, dirs_exist_ok=True)
    links = sorted({_link_above(source, inner) for inner in copied})
    if links:
        logger.warning(
            "%s: files behind symbolic links are copied into the set (%d; %s%s): what is elsewhere "
            "stays as it is, and its later changes do not reach the set any more",
            source, len(copied), ", ".join(links[:LINKS_SHOWN]),
            ", …" if len(links) > LINKS_SHOWN else "",
        )  # fmt: skip


def _link_inside(
    source_root: str, real_root: str, copied: list[str], source: str, target: str
) -> None:
    inner = os.path.relpath(source, source_root)
    if os.path.realpath(source) == os.path.join(real_root, inner):
        link_file(source, target)
    else:
        copy_file(source, target)
        copied.append(inner)


def _link_above(root: Path, inner: str) -> str:
    """The symbolic link that a file is behind, and where it leads to."""
    way = [*reversed(Path(inner).parents), Path(inner)]
    link = next((place for place in way if (root / place).is_symlink()), way[-1])
    return one_line(f"{link} -> {os.path.realpath(root / link)}")


def link_file(source: str | Path, target: str | Path) -> None:
    """One file of ours, as a hard link where the file system allows it, as a copy elsewhere."""
    try:
        hard_link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS_HERE:
            raise
        shutil.copy2(source, target)


def copy_file(source: str | Path, target: str | Path) -> str:
    """Copy a file's content and time into a new file; the SHA-256 (hex) of what was copied.

    Raises:
        OSError: the source is not there or no file (a pipe, a device), or the target is there.
    """
    digest = hashlib.sha256()
    with open_regular(source) as reading, open(target, "xb") as writing:
        status = os.fstat(reading.fileno())
        while chunk := reading.read(CHUNK_BYTES):
            digest.update(chunk)
            writing.write(chunk)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    return digest.hexdigest()


def sync_tree(folder: Path) -> None:
    """Everything in the folder is on the disk when this returns."""
    for place, _, names in os.walk(folder):
        for name in names:
            _sync(Path(place) / name)
        _sync(Path(place))


def _sync(path: Path) -> None:
    if path.is_file() or path.is_dir():  # to open a pipe that somebody left in the set would block
        sync(path)
