"""The round of ``sparrow watch``: look, count what has arrived whole, keep the tables up."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from sparrow.cli.count_photos import Wanted, count_file
from sparrow.cli.count_report import describe
from sparrow.cli.counted_folder import name_below
from sparrow.cli.file_key import file_key
from sparrow.cli.journal_entry import Entry
from sparrow.cli.watch_champion import Champion
from sparrow.cli.watch_folder import Arrivals, Listing, Source, list_files
from sparrow.cli.watch_photos import CountedPhotos
from sparrow.cli.watch_tables import Tables
from sparrow.images import MAX_FILE_BYTES
from sparrow.inference.photo_files import why_not_counted
from sparrow.plain_text import one_line
from sparrow.regular_file import sha256_of

BUSY_FRACTION = 0.1  # of the time at most goes into looking, and as much into writing tables anew
BROKEN_AFTER = 10  # settling times after which a photo that cannot be read is said to be broken
AGAIN_S = 60.0  # after which a file that could not be opened, or a full disk, is tried again


@dataclass(frozen=True)
class Pace:
    """How often things are done, in seconds.

    Attributes:
        every: from one look at the folder to the next, at least.
        settle: for which a file has not changed when it is counted.
        rewrite: from one writing of tables, visits and report to the next, at least.
        again: after which what failed for no fault of a photo is tried again.
    """

    every: float
    settle: float
    rewrite: float
    again: float = AGAIN_S


class Watch:
    """Counts the photos of a folder until it is told to stop."""

    def __init__(
        self,
        source: Source,
        champion: Champion,
        tables: Tables,
        pace: Pace,
        wanted: Wanted | None = None,
    ) -> None:
        """Begin with no file known.

        Args:
            source: where photos arrive.
            champion: counts.
            tables: are kept up.
            pace, wanted: see there.
        """
        self.stopping, self.failed = threading.Event(), False
        self._source, self._home, self._pace = source, source.home, pace
        self._wanted = wanted
        self._champion, self._tables = champion, tables
        self._photos: CountedPhotos = tables.photos
        self._arrivals = Arrivals(pace.settle)
        self._said: dict[str, str] = {}
        self._behind, self._rewrite_at = True, 0.0

    def run(self) -> None:
        """Look and count until ``stopping`` is set; what was counted is in the tables then."""
        while not self.stopping.is_set():
            began = time.monotonic()
            listing = list_files(self._source)
            looked = time.monotonic() - began
            self._say_unread(listing)
            self._champion.refresh()
            for path in self._arrivals.update(listing.files, time.monotonic()):
                if self.stopping.is_set():
                    break
                self._try(path)
                self._rewrite_if_due()
            self._rewrite_if_due()
            self.stopping.wait(max(self._pace.every, looked / BUSY_FRACTION))
        self._rewrite()
        if left := self._arrivals.waiting():
            print(f"{left} files are counted after the next start", file=sys.stderr)

    def fail(self) -> None:
        """End for a fault of this program, which was said."""
        self.failed = True
        self.stopping.set()

    def _try(self, path: str) -> None:
        """Count a file; what the disk refuses is said once and tried again."""
        try:
            self._count(path)
        except OSError as error:
            self._say("disk", f"{error}; trying again every {self._pace.again:g} s")
            self._arrivals.again(path, time.monotonic() + self._pace.again)
            self.stopping.wait(min(1.0, self._pace.again))
        else:
            self._said.pop("disk", None)

    def _count(self, path: str) -> None:
        """Count a file that has arrived, if it is a photo that is not known."""
        if self._photos.known(path):
            self._arrivals.done(path)
            return
        reason = why_not_counted(Path(path))
        if file_key(path) is None:
            return  # it has gone
        if reason is not None:
            self._skip(path, reason)
            return
        key = self._arrivals.key(path)
        try:
            sha256 = sha256_of(path) if key[0] <= MAX_FILE_BYTES else ""
        except OSError as error:
            self._not_opened(path, error.strerror or str(error))
            return
        if self._photos.same(sha256) is not None:
            self._behind |= self._photos.moved(sha256, path)
            self._arrivals.done(path)
            return
        entry = count_file(self._champion.counter, Path(path), self._wanted)
        if entry["file"] != key or file_key(path) != key:
            return  # it changes while it is read: the next look finds it changed
        self._take(path, entry)

    def _take(self, path: str, entry: Entry) -> None:
        """Note a counted photo, or one that stays broken."""
        failed = entry["record"]["error"] is not None
        patience = BROKEN_AFTER * self._pace.settle
        age = self._arrivals.age(path, time.monotonic())
        if failed and age < patience:  # its writer may have paused
            self._arrivals.again(path, time.monotonic() + patience - age)
            return
        is_listed = self._photos.has(path)
        replaces = self._photos.add(entry)
        self._arrivals.done(path)
        self._behind = True
        entry["record"]["file_name"] = name_below(Path(path), self._home)
        words = describe(entry) + ("; in the place of another of that name" if replaces else "")
        print(words + ("; tried again when it changes" if failed else ""), flush=True)
        if failed or is_listed:
            self._rewrite_at = min(self._rewrite_at, time.monotonic() + self._pace.rewrite)
        else:
            self._append(entry["real"])

    def _append(self, real: str) -> None:
        """Append a row; where the table cannot take it, the next writing anew has it."""
        try:
            self._tables.append(real)
        except OSError as error:
            self._say("table", f"{error}; the row follows when the table can be written")

    def _skip(self, path: str, reason: str) -> None:
        self._arrivals.done(path)
        if path not in self._tables.skipped:
            self._tables.skipped[path] = reason
            self._say(
                f"skipped {reason}",
                f"{one_line(name_below(Path(path), self._home))} is skipped: {reason} (said once; "
                "the report names all)",
            )

    def _not_opened(self, path: str, reason: str) -> None:
        if file_key(path) is None:
            return  # it has gone
        self._arrivals.again(path, time.monotonic() + self._pace.again)
        name = one_line(name_below(Path(path), self._home))
        self._say(f"open {path}", f"{name} cannot be read: {reason}; it is tried again")

    def _say_unread(self, listing: Listing) -> None:
        for folder, reason in listing.unread.items():
            self._say(f"folder {folder}", f"{folder} cannot be looked into: {reason}; waiting")
        back = [
            key for key in self._said
            if key.startswith("folder ") and key.removeprefix("folder ") not in listing.unread
        ]  # fmt: skip
        for key in back:
            del self._said[key]
            print(f"{key.removeprefix('folder ')} is no longer out of reach", file=sys.stderr)

    def _rewrite_if_due(self) -> None:
        if self._behind and time.monotonic() >= self._rewrite_at:
            self._rewrite()

    def _rewrite(self) -> None:
        """Write all tables anew; a fault is said once, and they are tried again."""
        began = time.monotonic()
        try:
            self._tables.rewrite()
        except OSError as error:
            self._say("tables", f"{error}; it is written when that is possible")
        else:
            self._behind = False
            self._said.pop("tables", None)
            self._said.pop("table", None)
        took = time.monotonic() - began
        self._rewrite_at = time.monotonic() + max(self._pace.rewrite, took / BUSY_FRACTION)

    def _say(self, about: str, words: str) -> None:
        """Say something on standard error, once as long as it lasts."""
        if about not in self._said:
            self._said[about] = words
            print(words, file=sys.stderr, flush=True)
