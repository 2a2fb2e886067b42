"""The file of an SQLite log that is in use: noticed when it is removed or replaced, and rescued.

A process that holds a removed file open goes on writing into it without any error, and all of it
is gone when the process ends. While it is open, though, everything in it can still be copied out.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sparrow.portable import hard_link

Identity = tuple[int, int] | None  # device and inode; None: no such file
_BESIDE = ("-wal", "-shm")  # what SQLite keeps beside a database in WAL mode


class OpenFile:
    """The file as it was when it was opened, held open so that its rows can be rescued."""

    def __init__(self, path: Path) -> None:
        """Open ``path``, a database that exists and has its tables."""
        self.path = path
        address = f"file:{quote(os.path.abspath(path))}?mode=ro"
        self._held = sqlite3.connect(address, uri=True, check_same_thread=False)
        # Only the first reading opens the file and those that SQLite keeps beside it.
        self._held.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self._rescued: Path | None = None
        self._identity = _identity(path)
        self._had_rows = path.stat().st_size > 0
        self._beside = {name: _identity(Path(f"{path}{name}")) for name in _BESIDE}

    def changed(self) -> bool:
        """Whether another file, or none, is at the path now, or this one was emptied."""
        return bool(self.event())

    def event(self) -> str:
        """What happened to the file: removed, replaced, emptied, or nothing ("")."""
        now = _identity(self.path)
        if now is None:
            return "removed"
        if now != self._identity:
            return "replaced"
        return "emptied" if self._had_rows and self.path.stat().st_size == 0 else ""

    def rescue(self) -> Path | None:
        """Copy what the file held to where it was, or aside where another file is there by now.

        Returns:
            Where the rows are; None where nothing could be copied, such as a file that was emptied.
        """
        if self._rescued is not None:  # the present file could not be opened last time
            return self._rescued
        event = self.event()
        self._remove_leftovers()
        if event == "emptied":
            # The file is the same one: whoever opens it anew must not share what is still open.
            self.close()
            return None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f"{self.path.name}.rescue-{os.getpid()}")
        try:
            partial.unlink(missing_ok=True)
            with closing(sqlite3.connect(partial)) as copy:
                self._held.backup(copy)
            self._rescued = self._place(partial)
            return self._rescued
        except (OSError, sqlite3.Error):
            return None
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def what_became(self, rescued: Path | None) -> str:
        """The answer of ``rescue`` in words."""
        if rescued == self.path:
            return "it was made anew with all its rows"
        if rescued is not None:
            return f"its rows are in {rescued}, and new ones go into the file that is there now"
        return "its rows could not be rescued, and new ones go into the file that is there now"

    def close(self) -> None:
        """Close the file."""
        self._held.close()

    def _place(self, partial: Path) -> Path:
        moment = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
        aside = self.path.with_name(f"{self.path.name}.before-{moment}")
        for place in (self.path, aside):
            with suppress(FileExistsError):
                hard_link(partial, place)  # never over a file that somebody else has put there
                return place
        raise FileExistsError(aside)

    def _remove_leftovers(self) -> None:
        """Remove what SQLite kept beside the old file: it would pass for a part of the new one."""
        for name, identity in self._beside.items():
            path = Path(f"{self.path}{name}")
            if identity is not None and _identity(path) == identity:
                path.unlink(missing_ok=True)


def _identity(path: Path) -> Identity:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino
