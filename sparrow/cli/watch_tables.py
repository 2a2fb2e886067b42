"""The table, the visits and the report that ``sparrow watch`` keeps up.

A photo's row is appended when it is counted. From time to time all three are written anew, whole or
not at all: only then is it known of which visit a photo is.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sparrow.cli.count_output import write, write_visits
from sparrow.cli.count_page import write_page
from sparrow.cli.count_tally import Tally
from sparrow.cli.counted_folder import CountedFolder, VisitOptions, name_below
from sparrow.cli.watch_champion import Champion
from sparrow.cli.watch_photos import CountedPhotos
from sparrow.inference.photo_files import FoundPhotos, SkippedFile
from sparrow.visits.visits import Sightings, find_sightings


@dataclass(frozen=True)
class Outputs:
    """What is written, and how photos are put into visits.

    Attributes:
        to: the table, a .csv.
        visits: a .csv, if it is wanted.
        report: an .html, if it is wanted.
        options: see there.
    """

    to: Path
    visits: Path | None
    report: Path | None
    options: VisitOptions


class Tables:
    """The files that people read, made from the journal."""

    def __init__(
        self,
        outputs: Outputs,
        photos: CountedPhotos,
        root: Path,
        champion: Champion,
    ) -> None:
        """Write nothing yet.

        Args:
            outputs: what is to be written.
            photos, root: see ``CountedFolder``.
            champion: whose classes, nouns and rates are those of the tables.
        """
        self.photos = photos
        self._outputs, self._photos, self._root = outputs, photos, root
        self._champion, self._class_names = champion, champion.counter.info.class_names
        self.skipped: dict[str, str] = {}

    def append(self, real: str) -> None:
        """Append the row of a photo that no row names yet.

        Raises:
            OSError: it cannot be written; the table is as it was.
        """
        from sparrow.inference.count_formats import columns_by_class, csv_line, row
        from sparrow.predictions.record import PredictionRecord

        photo = next(self._folder([Path(real)]).output(Sightings().visit_of.get))
        record = PredictionRecord.from_json(photo.entry["record"])
        cells = {**row(record, columns_by_class(self._class_names)), **photo.columns}
        with self._outputs.to.open("ab", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            line = ("" if size else csv_line(cells)) + csv_line(cells.values())
            try:
                _write_whole(file.fileno(), line.encode())
            except OSError as error:
                file.truncate(size)
                raise OSError(error.errno, error.strerror, str(self._outputs.to)) from error

    def rewrite(self) -> None:
        """Write all of it anew; nothing where no photo was counted yet.

        Raises:
            OSError: a file cannot be written; it is as it was.
        """
        if not len(self._photos):
            return
        folder, outputs = self._folder(self._photos.files()), self._outputs
        tally, seen = Tally.of(self._champion.counter), []
        for file, entry in folder.entries():
            tally.add(entry)
            if entry["record"]["error"] is None:
                seen.append(folder.seen(file, entry))
        seconds = outputs.options.seconds
        sightings = find_sightings(seen, seconds, tally.confidence, tally.false_alarms)
        skipped = [
            SkippedFile(Path(name_below(Path(path), self._root)), reason)
            for path, reason in self.skipped.items()
        ]
        listing = FoundPhotos(skipped=skipped)
        counted = folder.output(sightings.visit_of.get)
        write(outputs.to, counted, skipped, self._class_names)
        if outputs.visits is not None:
            write_visits(outputs.visits, sightings, self._class_names)
        if outputs.report is not None:
            write_page(outputs.report, folder, tally, sightings, listing)

    def _folder(self, files: Sequence[Path]) -> CountedFolder:
        return CountedFolder(
            self._root,
            self._class_names,
            self._outputs.options,
            journal=self._photos.journal,
            files=files,
        )


def _write_whole(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
