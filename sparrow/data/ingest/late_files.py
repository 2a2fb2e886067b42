"""Files that another program writes into a folder while its new state is being built.

They are in the old state, which is deleted once the new one is in its place: a photo that somebody
copies into the set at that moment would go with it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sparrow.plain_text import first_of

LATE = ".late"  # beside the folder: late files whose name the new state has, too
Stamp = tuple[int, int, int]  # inode, time of change (ns), bytes

logger = logging.getLogger("sparrow.data")


def file_stamps(folder: Path) -> dict[str, Stamp]:
    """What tells whether a file is still the one it was, by path below the folder."""
    stamps = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with suppress(OSError):  # it has just gone
                status = os.lstat(path)
                stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
                stamps[os.path.relpath(path, folder)] = stamp
    return stamps


def keep_late_files(old: Path, before: Mapping[str, Stamp], folder: Path) -> None:
    """Move what is new or changed in an old state to where it was put, and say so.

    Args:
        old: the state that is going to be deleted.
        before: ``file_stamps`` of it before the new state was built.
        folder: the new state. What it has a file for already goes to the folder's name with
            ``LATE`` after it.
    """
    late = {name for name, stamp in file_stamps(old).items() if before.get(name) != stamp}
    beside = folder.with_name(folder.name + LATE)
    try:
        kept = [str(path) for name in sorted(late) if (path := _keep(old / name, folder, name))]
    except OSError as error:  # no room for a folder, say
        old.rename(place := _free(beside))
        logger.warning("%s: the state before is kept in %s (%s)", folder, place, error)
        return
    if kept:
        logger.warning(
            "%s: %d files were written there by another program while the folder was changed; they "
            "are kept, but nobody has checked them: %s", folder, len(kept), first_of(kept),
        )  # fmt: skip


def _keep(late: Path, folder: Path, name: str) -> Path | None:
    """Move a late file; where to, or None where both states have this very file."""
    target = folder / name
    if os.path.lexists(target):
        if os.path.samestat(os.lstat(late), os.lstat(target)):
            return None
        target = _free(folder.with_name(folder.name + LATE) / name)
    target.parent.mkdir(parents=True, exist_ok=True)
    late.rename(target)
    return target


def _free(path: Path) -> Path:
    """The path, or one that ends in a number, at which there is nothing."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
