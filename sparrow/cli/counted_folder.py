"""What ``sparrow count`` knows after counting: its photos, each read from the journal.

Names are those below the folder that a person named, with ``/``: the same wherever it is mounted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sparrow.cli.count_journal import Journal
from sparrow.cli.count_output import OutputPhoto
from sparrow.cli.file_key import FileKey, file_key
from sparrow.cli.journal_entry import Entry
from sparrow.inference.photo_files import FoundPhotos, SkippedFile
from sparrow.plain_text import utf8
from sparrow.visits.capture import CameraBy, Capture, Shot, capture_of, read_position, read_shot
from sparrow.visits.fixed_places import FixedPlace, of_camera, without_places
from sparrow.visits.maximum import Number, with_expected
from sparrow.visits.visits import VISIT_SECONDS, SeenPhoto


@dataclass(frozen=True)
class VisitOptions:
    """How photos are put into visits.

    Attributes:
        seconds: the longest gap within a visit.
        camera_by: what tells cameras apart.
        file_times: whether the time of a file stands for one that is not known otherwise.
        position: whether the places that EXIF tells are written.
    """

    seconds: float = VISIT_SECONDS
    camera_by: CameraBy = "auto"
    file_times: bool = False
    position: bool = False


@dataclass(frozen=True)
class CountedPhotos:
    """Counted photos, wherever their entries and they themselves are.

    Attributes:
        root: the folder that their names are below.
        class_names: of the model.
        options: see there.
        excluded: places whose detections are left out.
    """

    root: Path
    class_names: Sequence[str]
    options: VisitOptions = VisitOptions()
    excluded: Sequence[FixedPlace] = ()

    def noted(self) -> Iterator[tuple[Path, Entry]]:
        """Each file with its entry as it was noted, in the order of the output."""
        raise NotImplementedError

    def position(self, file: Path, entry: Entry) -> tuple[float, float] | None:
        """Latitude and longitude of a photo, as far as its EXIF tells them."""
        raise NotImplementedError

    def entries(self) -> Iterator[tuple[Path, Entry]]:
        """Each file with its entry, under its name below the root."""
        for file, entry in self.noted():
            if self.excluded:
                places = of_camera(self.excluded, self.capture(file, entry).camera)
                record = without_places(entry["record"], places)
                entry["left_out"] = len(entry["record"]["boxes"]) - len(record["boxes"])
                if "faint" in entry:
                    faint = {**entry["record"], "boxes": entry["faint"], "class_counts": ()}
                    entry["faint"] = without_places(faint, places)["boxes"]
                entry["record"] = record
                if entry["left_out"]:
                    entry["expected"] = ()
            yield file, entry

    def seen(self, file: Path, entry: Entry) -> SeenPhoto:
        """A photo as visits are made of."""
        return SeenPhoto(
            entry["record"]["file_name"],
            self.capture(file, entry),
            numbers_of(entry, self.class_names),
            entry.get("out_of_distribution") is True,
        )

    def capture(self, file: Path, entry: Entry) -> Capture:
        """When and by which camera; what an earlier release did not note is read now."""
        noted = entry.get("shot")
        shot = read_shot(file) if noted is None else Shot(**noted)
        return self._capture(shot, entry["record"]["file_name"], entry["file"])

    def _capture(self, shot: Shot, name: str, key: FileKey | None) -> Capture:
        written_ns = key[1] if key and self.options.file_times else None
        home = self.root.name or str(self.root)
        return capture_of(shot, name, self.options.camera_by, home, written_ns)

    def output(self, visit_of: Callable[[str], int | None]) -> Iterator[OutputPhoto]:
        """Each photo for the output file; ``visit_of``: number of the visit by a photo's name."""
        for file, entry in self.entries():
            capture = self.capture(file, entry)
            record = entry["record"]
            columns: dict[str, Any] = {
                "sha256": record.get("sha256"),
                "taken_at": capture.taken.isoformat() if capture.taken else None,
                "time_from": capture.time_from or None,
                "camera": utf8(capture.camera),
                "visit": visit_of(record["file_name"]),
            }
            if self.options.position:
                position = self.position(file, entry)
                columns |= {
                    "latitude": position[0] if position else None,
                    "longitude": position[1] if position else None,
                }
            columns["out_of_distribution"] = entry.get("out_of_distribution")
            columns["tiles"] = None if record["error"] else record.get("tiles", 0)
            yield OutputPhoto(entry, columns)


@dataclass(frozen=True, kw_only=True)
class CountedFolder(CountedPhotos):
    """Counted photos of this machine.

    Attributes:
        journal: has an entry of every file.
        files: in the order of the output.
    """

    journal: Journal
    files: Sequence[Path]

    def noted(self) -> Iterator[tuple[Path, Entry]]:
        """See ``CountedPhotos``."""
        for file in self.files:
            yield file, self.journal.entry(file, name_below(file, self.root))

    def position(self, file: Path, entry: Entry) -> tuple[float, float] | None:
        """See ``CountedPhotos``."""
        return read_position(file)

    def capture_now(self, file: Path) -> tuple[str, Capture]:
        """Name and capture of a photo that may not be counted yet."""
        name = name_below(file, self.root)
        return name, self._capture(read_shot(file), name, file_key(file))

    def below(self, listing: FoundPhotos) -> FoundPhotos:
        """What was found and is not counted, under its names below the root."""
        return replace(
            listing,
            skipped=[SkippedFile(self._below(file.path), file.reason) for file in listing.skipped],
            twice=list(map(self._below, listing.twice)),
            closed=list(map(self._below, listing.closed)),
        )

    def _below(self, path: Path) -> Path:
        return Path(name_below(path, self.root))


def numbers_of(entry: Entry, class_names: Sequence[str]) -> tuple[Number, ...]:
    """The count of all classes together, then that of each, as far as the entry has them."""
    record = entry["record"]
    total = Number(record["count"], record["count_low"], record["count_high"])
    counts = record.get("class_counts") or ()
    noted = {
        count["label"]: Number(count["count"], count["low"], count["high"]) for count in counts
    }
    labels = [box["label"] for box in record["boxes"]]
    own = [noted.get(name) or Number(labels.count(name), None, None) for name in class_names]
    numbers = (total, total) if len(class_names) == 1 else (total, *own)
    return with_expected(numbers, entry.get("expected") or ())


def root_of(sources: Sequence[Path]) -> Path:
    """The folder that names are below: the one that is named, else what all have in common."""
    folders = [os.path.abspath(source if source.is_dir() else source.parent) for source in sources]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # on two drives
        return Path()


def name_below(file: Path, root: Path) -> str:
    """The name of a file below the root, with ``/``; its whole path where it is not below."""
    path = Path(os.path.abspath(file))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
