"""The report of ``sparrow count`` as one HTML file, with small photos that hold no EXIF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.atomic_file import write_atomic
from sparrow.cli.count_report import notes_of, sum_in_words
from sparrow.cli.count_tally import Tally
from sparrow.cli.counted_folder import CountedFolder
from sparrow.images import ImageError, read_image
from sparrow.predictions.count_words import total_in_words
from sparrow.predictions.record import PredictionRecord

if TYPE_CHECKING:
    from sparrow.inference.photo_files import FoundPhotos
    from sparrow.visits.visits import Group, Sightings

SIDE_PX = 360


def write_page(
    to: Path, photos: CountedFolder, tally: Tally, sightings: Sightings, listing: FoundPhotos
) -> None:
    """Write the page, whole or not at all.

    Raises:
        OSError: it cannot be written; the file is named.
    """
    from sparrow.reports.visits_page import CountedSet, visits_html, visits_with_photo

    total = total_in_words(tally.total, tally.class_names, tally.plurals, minimum=tally.minimum)
    counted = CountedSet(
        title=f"Counted photos of {photos.root.name or photos.root}",
        facts=[
            f"{total} in {tally.counted} photos, each photo counted by itself.",
            f"{sum_in_words(tally, listing)}.",
        ],
        class_names=tally.class_names,
        plurals=tally.plurals,
        notes=[f"{note}." for note in notes_of(tally)] + ([tally.warning] if tally.warning else []),
        visit_seconds=photos.options.seconds,
        failed=[(name, reason or "") for name, reason in tally.failed],
        skipped=[(str(file.path), file.reason) for file in listing.skipped],
    )
    pictures = _pictures(photos, visits_with_photo(sightings))
    try:
        write_atomic(to, visits_html(counted, sightings, pictures))
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(to)) from error


def _pictures(photos: CountedFolder, visits: list[Group]) -> dict[int, bytes]:
    """The photo that shows the most of each visit, by the visit's number."""
    shown = {visit.photos[visit.maxima[0].photo].name: visit.number for visit in visits}
    pictures = {}
    for file, entry in photos.entries():
        number = shown.get(entry["record"]["file_name"])
        if number is not None:
            picture = _picture(file, PredictionRecord.from_json(entry["record"]), photos)
            if picture is not None:
                pictures[number] = picture
    return pictures


def _picture(file: Path, record: PredictionRecord, photos: CountedFolder) -> bytes | None:
    """A small JPEG with boxes, of the pixels alone; None where the photo has gone meanwhile."""
    from sparrow.drawing.class_boxes import draw_class_boxes
    from sparrow.drawing.pictures import encode_jpeg, fit_within

    try:
        image = read_image(file)
    except ImageError:
        return None
    small, _ = fit_within(draw_class_boxes(image, record.boxes, photos.class_names), SIDE_PX)
    return encode_jpeg(small)
