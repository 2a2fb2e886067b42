"""Places with the same detection again and again, for a person to look at and to exclude."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.cli.count_photos import save_drawing
from sparrow.cli.counted_folder import CountedFolder, name_below
from sparrow.images import ImageError, RgbImage, read_image
from sparrow.plain_text import one_line, utf8
from sparrow.predictions.record import PredictionRecord
from sparrow.visits.fixed_places import COLUMNS, FixedPlace, rounded

TABLE = "places.csv"
_WIDTH_PX, _ROW_PX, _GAP_PX = 1200, 360, 6


def say_places(places: Sequence[FixedPlace], *, written_to: Path | None) -> None:
    """Say on standard error where the same detection comes again and again."""
    if not places:
        return
    print(
        f"{len(places)} places show the same detection in most of a camera's photos, as a knot or "
        "a feeder's ring would:",
        file=sys.stderr,
    )
    for place in places:
        print(
            f"  {one_line(place.camera)}: {place.label} in {place.photos} of {place.of_photos} "
            f"photos, from {one_line(place.first)} to {one_line(place.last)}",
            file=sys.stderr,
        )
    look = (
        f"look at {written_to}, remove the rows of animals from {TABLE}, then count again with "
        f"--exclude {written_to / TABLE}"
        if written_to
        else "--fixed-places DIR writes pictures of them, and the file for --exclude"
    )
    print(f"  they are counted; {look}", file=sys.stderr)


def write_places(folder: Path, places: Sequence[FixedPlace], photos: CountedFolder) -> None:
    """Write ``places.csv`` and, for each place, a picture of the first and the last photo.

    Raises:
        OSError: they cannot be written; the file is named.
    """
    from sparrow.drawing.pictures import encode_jpeg
    from sparrow.drawing.sheets import filled_rows
    from sparrow.inference.count_formats import csv_line

    by_name = {name_below(file, photos.root): file for file in photos.files}
    rows = [csv_line(COLUMNS)]
    folder.mkdir(parents=True, exist_ok=True)
    for number, place in enumerate(map(rounded, places), 1):
        camera, label, box, *rest = astuple(place)
        rows.append(csv_line([utf8(camera), label, *box, *rest]))
        ends = dict.fromkeys((place.first, place.last))
        shown = [drawn for name in ends if (drawn := _drawn(by_name[name], place)) is not None]
        if shown:
            sheet = filled_rows(shown, _WIDTH_PX, _ROW_PX, _GAP_PX)
            write_atomic(folder / f"place-{number}.jpg", encode_jpeg(sheet))
    write_atomic(folder / TABLE, "".join(rows))


def draw_without_places(photos: CountedFolder) -> None:
    """Draw the photos of ``--annotated`` anew whose boxes are left out in part.

    Raises:
        OSError: one cannot be written; the file is named.
    """
    for file, entry in photos.entries() if photos.excluded else ():
        if entry["annotated"] is not None and entry.get("left_out"):
            with suppress(ImageError):  # the photo has gone meanwhile, and its drawing stays
                image = read_image(file)
                record = PredictionRecord.from_json(entry["record"])
                save_drawing(Path(entry["annotated"]), image, record, photos.class_names)


def _drawn(file: Path, place: FixedPlace) -> RgbImage | None:
    """The photo with the place; None where it has gone meanwhile."""
    from sparrow.drawing.boxes import draw_boxes

    try:
        image = read_image(file)
    except ImageError:
        return None
    height, width = image.shape[:2]
    x_min, y_min, x_max, y_max = place.box
    return draw_boxes(image, [[x_min * width, y_min * height, x_max * width, y_max * height]])
