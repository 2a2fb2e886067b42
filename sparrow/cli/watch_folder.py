"""Which files of a folder have arrived whole, as ``sparrow watch`` sees by looking again and again.

Looking is right everywhere: network mounts, containers and FUSE file systems report no changes of
other machines, and a queue of reports that is full has lost some.
"""

from __future__ import annotations

import fnmatch
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from sparrow.cli.file_key import FileKey, key_of
from sparrow.photo_names import is_system_name

# Names that a file has while it is written, before it gets its own: browsers and FTP clients
# (FileZilla, WinSCP), Resilio, Syncthing on Windows, `rsync --partial-dir` and this program.
UNFINISHED = (".!sync", ".crdownload", ".download", ".filepart", ".part", ".partial", ".tmp")
_UNFINISHED_BEGINNING = "~syncthing~"


@dataclass(frozen=True)
class Source:
    """Where photos arrive.

    Attributes:
        home: the folder, with all folders in it.
        own: absolute paths of files that this program writes, which are no photos.
        match: names of photos are like this, as a shell's pattern; case does not matter.
    """

    home: Path
    own: frozenset[str] = frozenset()
    match: str = "*"


@dataclass
class Listing:
    """What is in a folder now.

    Attributes:
        files: size and times of each, by its path as a folder lists it.
        unread: folders that could not be looked into, and why.
    """

    files: dict[str, FileKey] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def list_files(source: Source) -> Listing:
    """All files below a folder, links to folders followed, each folder once.

    Left out are names of files that are being written (``UNFINISHED``, and those that begin with a
    dot, as rsync, Syncthing and FTP servers make them), and what a system keeps.
    """
    listing, folders, seen = Listing(), [str(source.home)], set[tuple[int, int]]()
    is_wanted = re.compile(fnmatch.translate(source.match), re.IGNORECASE).match
    while folders:
        folder = folders.pop()
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                wanted = (e for e in entries if not _is_left_out(e.name))
                for entry in wanted:
                    if entry.path in source.own:
                        continue
                    if _is_folder(entry):
                        folders.append(entry.path)
                    elif is_wanted(entry.name) and (key := _key(entry)) is not None:
                        listing.files[entry.path] = key
        except OSError as error:
            listing.unread[folder] = error.strerror or str(error)
    return listing


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _key(entry: os.DirEntry[str]) -> FileKey | None:
    try:
        return key_of(entry.stat())
    except OSError:  # it has gone meanwhile, or is a link to nothing
        return None


def _is_left_out(name: str) -> bool:
    folded = name.lower()
    unfinished = folded.endswith(UNFINISHED) or folded.startswith(_UNFINISHED_BEGINNING)
    return name.startswith(".") or unfinished or is_system_name(name)


@dataclass
class _File:
    key: FileKey
    since: float
    due: float
    done: bool = False


class Arrivals:
    """What is known of each file, from one look to the next."""

    def __init__(self, settle: float) -> None:
        """Begin with no file known.

        Args:
            settle: seconds for which a file that is whole has not changed.
        """
        self._settle = settle
        self._files: dict[str, _File] = {}

    def update(self, files: dict[str, FileKey], now: float) -> list[str]:
        """Take up what a folder holds now.

        Args:
            files: of ``Listing``.
            now: seconds of a clock that never goes back.

        Returns:
            Paths of files that did not change for long enough and are not done, the oldest first.
        """
        before, self._files = self._files, {}
        for path, key in files.items():
            file = before.get(path)
            if file is None or file.key != key:
                file = _File(key, now, now + self._settle)
            self._files[path] = file
        ready = [p for p, file in self._files.items() if not file.done and file.due <= now]
        return sorted(ready, key=lambda path: (self._files[path].key[1], path))

    def key(self, path: str) -> FileKey:
        """Size and times of a file when it was seen last."""
        return self._files[path].key

    def age(self, path: str, now: float) -> float:
        """For how many seconds a file has been seen unchanged."""
        return now - self._files[path].since

    def done(self, path: str) -> None:
        """Leave a file alone until it changes."""
        self._files[path].done = True

    def again(self, path: str, due: float) -> None:
        """Name a file as ready once more at a time of the clock, if it does not change before."""
        self._files[path].due = due

    def waiting(self) -> int:
        """How many files are not done."""
        return sum(not file.done for file in self._files.values())
