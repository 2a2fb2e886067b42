"""The journal of ``sparrow count``: what is counted so far, for a killed run to continue from.

The journal is beside the output: a line that names the model, then a line a photo with a check
sum. An entry counts only for the very file, model and options it was made with.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any, TypedDict

from filelock import lock_descriptor

from sparrow.regular_file import open_regular

FileKey = list[int]  # bytes, mtime ns, ctime ns

FORMAT = 4  # raise when an entry changes its form: earlier journals are then begun anew
_BEGINNING = f'{{"format": {FORMAT}'.encode()


class Entry(TypedDict):
    """A counted photo.

    Attributes:
        record: a ``PredictionRecord`` as JSON values.
        message: what went wrong, in words; None where nothing did.
        file: of the photo, when it was read; None where it could not be opened.
        annotated: absolute path of the drawing, if there is one.
        real: the photo's absolute path, links followed: it is found again from any folder.
        smallest_px: see ``CountedPhoto``.
    """

    record: dict[str, Any]
    message: str | None
    file: FileKey | None
    annotated: str | None
    real: str
    smallest_px: int | None


class Journal:
    """Entries by the photo's absolute path; without an output file, in memory only.

    Attributes:
        done: what was counted, this run's entries included.
        restarted: why the entries of a journal that was there do not count; else None.
    """

    def __init__(self, to: Path | None, model: str) -> None:
        """Open the journal of an output file, or begin it.

        Args:
            to: the output file; None keeps no journal.
            model: the SHA-256 of the model's ``model.json``.

        Raises:
            ValueError: another run writes it, it is damaged, or the file is no journal.
        """
        self.done: dict[str, Entry] = {}
        self.restarted: str | None = None
        self._path = journal_path(to) if to is not None else None
        self._file: FileIO | None = None
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        head = json.dumps({"format": FORMAT, "model": model}).encode() + b"\n"
        self._file = _open_locked(self._path)
        try:
            self._file.truncate(self._read(self._file.read(), head))
            if self._file.seek(0, os.SEEK_END) == 0:
                self._append(head)
        except BaseException:
            self._file.close()
            raise

    def known(self, file: Path, annotated: Path | None) -> Entry | None:
        """The entry of this very file; None where it has to be counted.

        Args:
            file: the photo.
            annotated: folder of the drawings, if there are to be any.
        """
        entry = self.done.get(os.path.realpath(file))
        if entry is None or entry["record"]["error"] is not None:
            return None  # what failed may work now
        if entry["file"] is None or entry["file"] != file_key(file):
            return None
        if annotated is not None:
            drawing = Path(entry["annotated"] or "")
            if drawing.parent != Path(os.path.abspath(annotated)) or not drawing.is_file():
                return None
        return entry

    def has(self, file: Path) -> bool:
        """Whether the photo was counted, be it as another file."""
        return os.path.realpath(file) in self.done

    def entry(self, file: Path) -> Entry:
        """The entry of a counted photo, under the name that it has now."""
        entry = self.done[os.path.realpath(file)]
        return {**entry, "record": {**entry["record"], "file_name": str(file)}}

    def add(self, entry: Entry) -> None:
        """Append a photo's entry at once.

        Raises:
            OSError: the disk is full.
        """
        self.done[entry["real"]] = entry
        text = json.dumps(entry).encode()
        self._append(b"%08x %s\n" % (zlib.crc32(text), text))

    def remove(self) -> None:
        """Delete the journal: the output is written, and nothing is left to resume."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Release the journal for another run; its entries stay."""
        if self._file is not None:
            self._file.close()

    def _append(self, line: bytes) -> None:
        if self._file is None:
            return
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def _read(self, content: bytes, head: bytes) -> int:
        """Take over the entries; how many bytes of the journal stay."""
        lines = content.splitlines(keepends=True)
        if not lines or (len(lines) == 1 and _torn(lines[0])):
            return 0
        if lines[0] != head:
            self.restarted = _why_not(lines[0], str(self._path))
            return 0
        for entry in _entries(lines[1:], str(self._path)):
            self.done[entry["real"]] = entry
        return len(content) if content.endswith(b"\n") else len(content) - len(lines[-1])


def journal_path(to: Path) -> Path:
    """Where the journal of an output file is."""
    return to.with_name(to.name + ".journal")


def file_key(path: Path) -> FileKey | None:
    """Size and times of a file, which change with each writing; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return key_of(status)


def key_of(status: os.stat_result) -> FileKey:
    """The same from the status of an open file."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _open_locked(path: Path) -> FileIO:
    if path.exists():
        open_regular(path).close()  # a pipe would block
    # Unbuffered: a line that a full disk refused is not written again when the file is closed.
    file = path.open("a+b", buffering=0)
    if not lock_descriptor(file.fileno(), blocking=False):
        file.close()
        raise ValueError(
            f"{path}: another `sparrow count` with the same --to is writing this journal; wait for "
            "it to end, or choose another --to"
        )
    file.seek(0)
    return file


def _torn(line: bytes) -> bool:
    """Whether this is a first line that a full disk or a kill cut."""
    return not line.endswith(b"\n") and (line.startswith(_BEGINNING) or _BEGINNING.startswith(line))


def _why_not(line: bytes, path: str) -> str:
    try:
        head = json.loads(line)
        old = "format" not in head or head["format"] != FORMAT
        if "model" in head:
            return "of an earlier version of this program" if old else "of another model"
    except (ValueError, TypeError):
        pass
    raise ValueError(
        f"{path}: this is no journal of `sparrow count`, or its first line is damaged. Delete it "
        "to count all photos, or choose another --to"
    )


def _entries(lines: list[bytes], path: str) -> Iterator[Entry]:
    for number, line in enumerate(lines, start=2):
        if not line.endswith(b"\n"):
            return  # it was being written when the run ended
        checksum, _, text = line[:-1].partition(b" ")
        if checksum != b"%08x" % zlib.crc32(text):
            raise ValueError(
                f"{path}: line {number} of {len(lines) + 1} is damaged. Delete the file to count "
                "all photos anew, or only this line to keep the other photos' counts"
            )
        yield json.loads(text)
