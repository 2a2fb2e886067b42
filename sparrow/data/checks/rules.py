"""Every rule of the checks of a set, by name."""

from __future__ import annotations

from typing import Literal

Severity = Literal["error", "warning"]

# name -> (severity, a sentence for the person who took the photos). Every rule there is.
RULES: dict[str, tuple[Severity, str]] = {
    "column-missing": ("error", "A column that every table needs is not there."),
    "column-unknown": (
        "error",
        "There is a column nobody asked for; perhaps its name is misspelt.",
    ),
    "table-empty": ("error", "The table has a header but no rows."),
    "value-missing": ("error", "A cell is empty that must be filled in."),
    "value-not-a-number": ("error", "A cell that must be a number is something else."),
    "name-not-a-file-name": (
        "error",
        "A photo's name must be a plain file name, without folders or invisible characters.",
    ),
    "name-extension": ("error", "A photo's name has an ending that data.extensions does not name."),
    "name-duplicate": ("error", "Two rows describe a photo of the same name."),
    "name-taken": (
        "error",
        "A new photo has the name of another one in the raw set; rename it, in both tables too.",
    ),
    "count-range": (
        "error",
        "The number of objects is no whole number, or beyond data.max_boxes_per_photo.",
    ),
    "source-unknown": ("error", "The source is not one of data.sources."),
    "license-unknown": ("error", "The licence is not one of data.licenses."),
    "class-unknown": ("error", "A box is labelled with a class that data.classes does not name."),
    "position-range": ("error", "A box starts outside the photo's range, 0 to data.max_side_px."),
    "box-size-range": (
        "error",
        "A box's width or height is not between 0 and data.max_side_px.",
    ),
    "photo-size-range": (
        "error",
        "A recorded photo size is not between 0 and data.max_side_px.",
    ),
    "photo-missing": ("error", "The table names a photo that is not in the folder."),
    "photo-unlisted": ("error", "The folder holds a photo that the table does not name."),
    "photo-unreadable": ("error", "A photo cannot be opened, or is damaged or incomplete."),
    "box-without-photo": ("error", "A box belongs to a photo that the photo table does not name."),
    "box-outside-photo": ("error", "A box reaches beyond the frame of its photo."),
    "size-disagrees": ("error", "Boxes of one photo record different sizes for it."),
    "size-wrong": ("error", "The recorded size of a photo is not that of the upright photo."),
    "count-wrong": ("error", "The number of objects written down is not the number of boxes."),
    "boxes-too-many": ("error", "A photo has more boxes than data.max_boxes_per_photo."),
    "box-duplicate": ("error", "The very same box is in the table twice."),
    "box-drawn-twice": ("warning", "Two boxes of one photo cover each other nearly completely."),
    "box-tiny": ("warning", "A box is so small that a detector can hardly learn from it."),
    "box-huge": ("warning", "A box covers nearly the whole photo."),
    "photo-duplicate": ("warning", "Two photos are the same file under different names."),
    "photo-near-duplicate": ("warning", "Two photos show nearly the same picture."),
    "label-error-candidate": (
        "warning",
        "A model strongly disagrees with a photo's boxes; look again.",
    ),
}
