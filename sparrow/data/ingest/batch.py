"""The folder of new data: is there any, what of it may be removed, where it goes when it fails.

Nothing is ever removed from it but files whose very content is in the raw set by then. It may be a
symbolic link or a mount point: its files go, the folder stays.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.data.checks.report import REPORT_JSON, CheckReport, ReportWriter
from sparrow.data.errors import DataError, as_data_errors
from sparrow.data.formats.csv import table_paths
from sparrow.regular_file import open_regular, sha256_of

NEW_PREFIX = "new_"
MERGED = ".merged.json"  # in the folder: its batch was merged, and these files of it may go
logger = logging.getLogger("sparrow.data")
_CANNOT_RENAME = (errno.EXDEV, errno.EBUSY)  # to another disk; a mount point


def batch_files(new: Path) -> list[str]:
    """Files in the places of the contract, below ``new``, sorted; empty where no batch is waiting.

    Raises:
        DataError: ``new`` is no folder, leads nowhere, or cannot be looked into.
    """
    if new.is_symlink() and not new.exists():
        raise DataError(f"{new}: this link leads to {os.readlink(new)}, which is not there")
    if new.exists() and not new.is_dir():
        raise DataError(f"{new}: expected a folder with new photos and tables, found a file")
    with as_data_errors("cannot be looked into", new):
        inside = [p for place in _folders(new) if place.is_dir() for p in place.iterdir()]
        tables = [path for path in table_paths(new, NEW_PREFIX) if os.path.lexists(path)]
    named = {p.relative_to(new).as_posix() for p in (*inside, *tables) if p.name[0] != "."}
    return sorted(named)


def has_table(new: Path) -> bool:
    """Whether a batch waits below ``new``: photos alone may be on their way there, tables last."""
    return any(os.path.lexists(path) for path in table_paths(new, NEW_PREFIX))


def hash_tables(new: Path) -> dict[str, str]:
    """SHA-256 of each table, by its path below ``new``; those that cannot be read are left out."""
    hashes = {
        path.relative_to(new).as_posix(): _hash(path) for path in table_paths(new, NEW_PREFIX)
    }
    return {name: sha256 for name, sha256 in hashes.items() if sha256}


def remove_merged(new: Path, files: Mapping[str, str]) -> list[str]:
    """Remove a batch that the raw set holds; a kill at any moment is completed by ``resume``.

    Args:
        new: the folder.
        files: SHA-256 of each file that was taken, by path below ``new``.

    Returns:
        What stays there: files that are new or changed meanwhile (``batch_files``). If a file of
        the batch changed, the whole batch stays, and the next ingest takes it as it is then.
    """
    try:
        write_atomic(new / MERGED, json.dumps({"files": dict(files)}))
    except OSError as error:
        _say_it_stays(new, error)
    else:
        _remove(new, files)
    return batch_files(new)


def resume_removal(new: Path) -> None:
    """Complete a removal that was killed; nothing in all other cases."""
    note = new / MERGED
    if not note.exists():
        return
    try:
        with open_regular(note) as file:
            files = {str(name): str(sha256) for name, sha256 in json.load(file)["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        files = {}  # not ours: what was merged is recognised by its content when it is taken in
    _remove(new, files)


def _remove(new: Path, files: Mapping[str, str]) -> None:
    """Remove what is named, if all of it is as it was taken, then the note and empty folders."""
    there = [name for name in batch_files(new) if name in files]
    try:
        if all(_hash(new / name) == files[name] for name in there):
            for name in there:
                (new / name).unlink()
        _remove_if_empty(*_folders(new))
        (new / MERGED).unlink()
        _remove_if_empty(new)
    except OSError as error:
        if error.errno not in _CANNOT_RENAME:
            _say_it_stays(new, error)


def _remove_if_empty(*folders: Path) -> None:
    for folder in folders:
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            folder.rmdir()


def _say_it_stays(new: Path, error: OSError) -> None:
    logger.warning("%s: taken in, but its files cannot be removed (%s); they stay", new, error)


def reject(
    new: Path,
    rejected: Path,
    report: CheckReport | None,
    write_report: ReportWriter,
    reason: str = "",
) -> str:
    """Move a batch, with its report in it, to a folder named after the time.

    Returns:
        A sentence about where the batch is now: where it was, if it cannot be moved.
    """
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    try:
        if report:
            write_report(report, new, new, NEW_PREFIX)
        else:
            unreadable = {"where": str(new), "ok": False, "error": reason}
            (new / REPORT_JSON).write_text(json.dumps(unreadable, indent=2), encoding="utf-8")
        _move(new, rejected / now)
    except OSError as error:
        return (
            f"The batch stays in {new}: it cannot be moved to {rejected} "
            f"({error.strerror or error}), or its report cannot be written."
        )
    return f"The batch and its report are in {rejected / now}"


def _move(new: Path, place: Path) -> None:
    """Move the folder's content; where it cannot be renamed, copy it whole before it goes."""
    real = new.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        real.rename(place)
    except OSError as error:
        if error.errno not in _CANNOT_RENAME:
            raise
        unfinished = place.with_name(place.name + ".partial")
        try:
            shutil.copytree(real, unfinished, symlinks=True)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        unfinished.rename(place)
        _remove_copied(real, place)
    else:
        if new.is_symlink():
            real.mkdir()  # or the link would lead nowhere


def _remove_copied(real: Path, copy: Path) -> None:
    """Remove what was copied, as it was copied: what came or changed meanwhile stays."""
    for copied in sorted(copy.rglob("*"), reverse=True):
        path = real / copied.relative_to(copy)
        if copied.is_dir() and not copied.is_symlink():
            with suppress(OSError):  # something is in it
                path.rmdir()
        elif os.path.lexists(path) and _is_same(path, copied):
            path.unlink()


def _is_same(path: Path, copied: Path) -> bool:
    if path.is_symlink() or copied.is_symlink():
        return path.is_symlink() and copied.is_symlink() and path.readlink() == copied.readlink()
    return _hash(path) == _hash(copied)


def _folders(new: Path) -> tuple[Path, Path]:
    return new / "images", new / "bboxes"


def _hash(path: Path) -> str:
    """SHA-256 of a file; empty where it cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return ""
