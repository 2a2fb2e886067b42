"""The journal of ``sparrow count``: what is counted so far, for a killed run to continue from.

The journal is beside the output: a line that names the model, then a line a photo with a check
sum. An entry counts only for the very file, model and options it was made with. Entries stay in the
file, where each is stands in another (``journal_index``): memory does not grow with their number.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Iterator
from io import BufferedReader, FileIO
from pathlib import Path

from filelock import lock_descriptor

from sparrow.cli.file_key import file_key
from sparrow.cli.journal_entry import Entry
from sparrow.cli.journal_head import FORMAT, STILL_READ, head, is_torn, why_not
from sparrow.cli.journal_index import JournalIndex, Place
from sparrow.inference.tile_choice import Tiles
from sparrow.regular_file import open_regular


class Journal:
    """Entries by the photo's absolute path; without an output file, in a file that has no name.

    Attributes:
        restarted: why the entries of a journal that was there do not count; else None.
    """

    def __init__(self, to: Path | None, model: str) -> None:
        """Open the journal of an output file, or begin it.

        Args:
            to: the output file; None keeps no journal beyond this run.
            model: the SHA-256 of the model's ``model.json``.

        Raises:
            ValueError: another run writes it, it is damaged, or it is none.
        """
        self.restarted: str | None = None
        self._path = journal_path(to) if to is not None else None
        self._file: FileIO = self._open()
        self._places = JournalIndex()
        try:
            self._file.truncate(self._read(model))
            if self._file.seek(0, os.SEEK_END) == 0:
                self._append(head(FORMAT, model))
        except BaseException:
            self.close()
            raise

    def known(self, file: Path, annotated: Path | None, boxes_from: float | None = None) -> bool:
        """Whether this very file was counted, and need not be again.

        Args:
            file: the photo.
            annotated: folder of its drawing, if there is to be one.
            boxes_from: the least score of the boxes that are to be there.
        """
        place = self._places.get(os.path.realpath(file))
        if place is None or place.failed:
            return False  # what failed may work now
        if place.key is None or place.key != file_key(file):
            return False
        if boxes_from is not None and (place.boxes_from is None or place.boxes_from > boxes_from):
            return False
        if annotated is not None:
            drawing = Path(place.annotated or "")
            return drawing.parent == Path(os.path.abspath(annotated)) and drawing.is_file()
        return True

    def __len__(self) -> int:
        return len(self._places)

    def files(self) -> Iterator[str]:
        """Real paths of the photos, in the order in which their entries were written."""
        return self._places.files()

    def has(self, file: Path) -> bool:
        """Whether the photo was counted, be it as another file."""
        return self._places.get(os.path.realpath(file)) is not None

    def tiles(self, file: Path) -> Tiles:
        """What was asked for when a photo of this journal was counted."""
        return self._place(file).tiles

    def entry(self, file: Path, name: str | None = None) -> Entry:
        """The entry of a counted photo, under the name that it has now."""
        place = self._places.get(str(file)) or self._place(file)
        self._file.seek(place.offset)
        line = b""
        while len(line) < place.length and (part := self._file.read(place.length - len(line))):
            line += part
        entry: Entry = json.loads(line.partition(b" ")[2])
        entry["record"]["file_name"] = str(file) if name is None else name
        return entry

    def add(self, entry: Entry) -> None:
        """Append a photo's entry at once.

        Raises:
            OSError: the disk is full.
        """
        text = json.dumps(entry).encode()
        offset = self._file.seek(0, os.SEEK_END)
        line = b"%08x %s\n" % (zlib.crc32(text), text)
        try:
            self._append(line)
        except OSError:
            self._file.truncate(offset)  # a part of the line would damage the next one
            raise
        self._places.note(entry, offset, len(line))

    def remove(self) -> None:
        """Delete the journal: the output is written, and nothing is left to resume."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Release the journal for another run; its entries stay."""
        self._file.close()
        self._places.close()

    def _place(self, file: Path) -> Place:
        place = self._places.get(os.path.realpath(file))
        if place is None:
            raise KeyError(f"expected a counted photo, found {file}")
        return place

    def _open(self) -> FileIO:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return _open_locked(self._path)
        with tempfile.TemporaryFile() as unnamed:
            return FileIO(os.dup(unnamed.fileno()), "r+b")

    def _append(self, line: bytes) -> None:
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def _read(self, model: str) -> int:
        """Take over the entries; how many bytes of the journal stay."""
        reader = BufferedReader(self._file)
        try:
            first = reader.readline()
            if not first or (is_torn(first) and not reader.peek(1)):
                return 0
            if first not in [head(number, model) for number in (FORMAT, *STILL_READ)]:
                self.restarted = why_not(first, str(self._path))
                return 0
            offset = len(first)
            for number, line in enumerate(reader, start=2):
                if not line.endswith(b"\n"):
                    break  # it was being written when the run ended
                self._places.note(_entry(line, number, str(self._path)), offset, len(line))
                offset += len(line)
            return offset
        finally:
            reader.detach()


def journal_path(to: Path) -> Path:
    """Where the journal of an output file is."""
    return to.with_name(to.name + ".journal")


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


def read_line(line: bytes) -> Entry | None:
    """The entry in a line of a journal; None where the line is damaged."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    entry: Entry = json.loads(text)
    return entry


def _entry(line: bytes, number: int, path: str) -> Entry:
    entry = read_line(line)
    if entry is None:
        raise ValueError(
            f"{path}: line {number} is damaged. Delete the file to count all photos anew, or only "
            "this line to keep the other photos' counts"
        )
    return entry
