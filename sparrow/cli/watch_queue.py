"""The journal as a queue: what a receiver has got, kept on the disk beside it.

A message is written nowhere else. It waits in the journal, in the order of the counting, and a
receiver's position is moved on when it has taken the message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.cli.count_journal import read_line
from sparrow.cli.journal_entry import Entry

_SUM = 8  # characters of a line's check sum


class Queue:
    """Entries that a receiver has not taken yet."""

    def __init__(self, journal: Path, receiver: str) -> None:
        """Go on where the receiver was; a new one begins with the next photo that is counted.

        Args:
            journal: is there already, with its first line.
            receiver: of the position's file beside the journal: ``webhook``.

        Raises:
            OSError: the position cannot be written.
        """
        self.restarted = False
        self._position = journal.with_name(f"{journal.name}.{receiver}")
        self._file = journal.open("rb")
        self._begin = len(self._file.readline())
        self._first, self._sum = "", ""
        self._offset = self._end = self._begin
        self._start()

    def before(self) -> Iterator[Entry]:
        """What the receiver has taken already, from the first photo on."""
        self._file.seek(self._begin)
        while self._file.tell() < self._offset:
            entry = read_line(self._file.readline())
            if entry is not None:
                yield entry

    def next(self) -> Entry | None:
        """The first entry that is not taken; None where all are."""
        self._file.seek(self._offset)
        line = self._file.readline()
        if not line.endswith(b"\n"):
            return None  # it is being written, or the disk was full
        self._end, self._sum = self._offset + len(line), line[:_SUM].decode()
        self._first = self._first or self._sum
        return read_line(line)

    def taken(self) -> None:
        """Move on behind the entry of ``next``.

        Raises:
            OSError: the position cannot be written; the queue goes on all the same.
        """
        self._offset = self._end
        self._save()

    def waiting(self) -> int:
        """How many entries are not taken."""
        self._file.seek(self._offset)
        return sum(line.endswith(b"\n") for line in self._file)

    def close(self) -> None:
        """Close the journal."""
        self._file.close()

    def _start(self) -> None:
        """Go on where the position says; where there is none, behind all that is there."""
        lines = list(self._lines())
        self._first = lines[0][1] if lines else ""
        try:
            noted = json.loads(self._position.read_text(encoding="utf-8"))
            at, first = (int(noted["offset"]), str(noted["sum"])), str(noted["first"])
        except FileNotFoundError:
            self._offset, self._sum = lines[-1] if lines else (self._begin, "")
            self._save()
            return
        except (ValueError, KeyError, TypeError):
            at, first = (-1, ""), ""
        self._offset = self._found(lines, at, first)

    def _found(self, lines: list[tuple[int, str]], at: tuple[int, str], first: str) -> int:
        """Where a position is in the journal as it is now."""
        if at in lines or at == (self._begin, ""):
            return at[0]
        for end, checksum in reversed(lines):
            if checksum == at[1]:  # a damaged line before it was deleted
                return end
        if first and first == self._first:  # the journal's end was lost with the power
            return lines[-1][0]
        self.restarted = True  # the journal is another one
        return self._begin

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Where each whole line behind the first ends, and its check sum."""
        self._file.seek(self._begin)
        end = self._begin
        for line in self._file:
            if line.endswith(b"\n"):
                end += len(line)
                yield end, line[:_SUM].decode("ascii", "replace")

    def _save(self) -> None:
        noted = {"offset": self._offset, "sum": self._sum, "first": self._first}
        write_atomic(self._position, json.dumps(noted))
