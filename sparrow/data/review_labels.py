"""The labels of a review queue: whether a person has corrected them, or they are still the model's.

Taken as a person's, the model's own boxes would teach the next model its faults, and every bird
that it overlooked would count as none.
"""

from __future__ import annotations

from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.data.errors import DataError
from sparrow.regular_file import open_regular, sha256_of

LABELS = "instances.json"  # boxes to correct, COCO
LABELS_SUM = LABELS + ".sha256"  # of the boxes as the model drew them


def note_labels(folder: Path) -> None:
    """Write down what the queue's labels are before anybody corrects them."""
    write_atomic(folder / LABELS_SUM, f"{sha256_of(folder / LABELS)}  {LABELS}\n")


def refuse_untouched(queue: Path, labels: Path) -> None:
    """Nothing where a file of labels is not the one that the model's boxes were written to.

    Raises:
        DataError: it is; or one of the files cannot be read.
    """
    try:
        with open_regular(queue / LABELS_SUM) as file:
            drawn = file.read(4096).decode("utf-8", "replace").split()[:1]
        untouched = drawn == [sha256_of(labels)]
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror})") from error
    if untouched:
        raise DataError(
            f"{labels}: these are the model's own boxes, as `sparrow review` wrote them; expected "
            "the file that a person corrected"
        )


def refuse_untouched_beside(labels: Path) -> None:
    """Nothing where a file of labels is in no review queue, or in one that a person corrected.

    Raises:
        DataError: it holds the boxes that the model drew.
    """
    if (labels.parent / LABELS_SUM).is_file():
        refuse_untouched(labels.parent, labels)
