"""The photos that ``sparrow watch`` has counted: each content once, whatever its name."""

from __future__ import annotations

import os
from pathlib import Path

from sparrow.cli.count_journal import Journal
from sparrow.cli.file_key import file_key
from sparrow.cli.journal_entry import Entry


class CountedPhotos:
    """What the journal holds, by content and by path.

    A file that is renamed stays the photo that it was, and a copy is none of its own. A file whose
    content changes is another photo, which takes the place of the one before in all tables.
    """

    def __init__(self, journal: Journal) -> None:
        """Take up the photos of a journal."""
        self.journal = journal
        self._where: dict[str, str] = {}  # content, or a failed file -> real path
        self._what: dict[str, str] = {}  # the other way round
        times: dict[str, str] = {}
        for real in journal.files():
            entry = journal.entry(Path(real))
            self._take(entry)
            times[real] = entry["record"]["time"]
        self._where = dict(sorted(self._where.items(), key=lambda item: times[item[1]]))

    def files(self) -> list[Path]:
        """Where each photo was seen last, in the order in which they were counted first."""
        return [Path(real) for real in self._where.values()]

    def __len__(self) -> int:
        return len(self._where)

    def known(self, path: str) -> bool:
        """Whether this very file, not changed since, was counted."""
        return self.journal.known(Path(path), None)

    def has(self, path: str) -> bool:
        """Whether a photo was counted, or failed, that had this path."""
        return os.path.realpath(path) in self._what

    def same(self, sha256: str) -> str | None:
        """The real path of the counted photo with this content."""
        return self._where.get(sha256)

    def add(self, entry: Entry) -> bool:
        """Note a counted photo, or one that failed; whether it takes the place of another.

        Raises:
            OSError: the disk is full.
        """
        self.journal.add(entry)
        return self._take(entry)

    def moved(self, sha256: str, path: str) -> bool:
        """Note that a counted photo has another path; False where it is a copy, or just touched.

        Raises:
            OSError: the disk is full.
        """
        before, real = self._where[sha256], os.path.realpath(path)
        if before == real:
            return False
        entry = self.journal.entry(Path(before))
        is_there = file_key(before) == entry["file"] and os.path.realpath(before) != real
        if is_there:
            return False
        entry["record"]["file_name"] = path
        entry |= {"real": real, "file": file_key(path), "renamed": True}
        if self._what.get(before) == sha256:
            del self._what[before]
        self.add(entry)
        return True

    def _take(self, entry: Entry) -> bool:
        real, record = entry["real"], entry["record"]
        what = record["sha256"] if record["error"] is None else f"failed {real}"
        before = self._what.get(real)
        replaces = before is not None and before != what and self._where.get(before) == real
        if replaces and before is not None:
            del self._where[before]
        self._where[what] = real
        self._what[real] = what
        return replaces
