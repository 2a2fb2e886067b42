"""The class of boxes of which their file tells none: a person names it, or it is an error."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sparrow.data.errors import DataError
from sparrow.data.formats.described import DescribedPhoto, DescribedSet
from sparrow.data.formats.import_report import ImportOptions, ImportReport


def with_classes(
    described: DescribedSet, options: ImportOptions, report: ImportReport
) -> DescribedSet:
    """The set with a class for each box.

    Raises:
        DataError: there are boxes without a class, and nobody named it; or each box tells its own,
            which the one named would contradict.
    """
    boxes = [box for photo in described.photos for box in photo.boxes]
    untold = Counter(box.where.partition(", ")[0] for box in boxes if not box.label)
    if untold and not options.label:
        name, number = next(iter(untold.items()))
        raise DataError(
            f"{name}: has {number:,} boxes and no column for their class; add one, called class, "
            "or name the class of all of them: --class NAME"
        )
    if options.label and not untold:
        raise DataError(
            f"--class {options.label}: each box tells its class already; leave the option out"
        )
    if not untold:
        return described
    for name, number in untold.items():
        what = f"boxes tell no class and were taken as {options.label} (--class)"
        for _ in range(number):
            report.add(what, name)
    return replace(described, photos=[_named(photo, options.label) for photo in described.photos])


def _named(photo: DescribedPhoto, label: str) -> DescribedPhoto:
    boxes = [box if box.label else replace(box, label=label) for box in photo.boxes]
    return replace(photo, boxes=boxes)
