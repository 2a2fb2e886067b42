"""Boxes that people corrected on the page, beside the photos that they agreed to have kept.

One JSON file a photo, ``<prediction id>.boxes.json`` in ``service.keep_folder``; ``sparrow review``
puts them into its queue in the place of the model's boxes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.regular_file import open_regular

SUFFIX = ".boxes.json"
MAX_BYTES = 1_000_000  # of a file that is read


class CorrectionError(ValueError):
    """A file of corrected boxes that cannot be read; the message names it."""


@dataclass(frozen=True)
class CorrectedBox:
    """One object by its class and its corners, in pixels of the upright photo."""

    label: str
    x_min_px: float
    y_min_px: float
    x_max_px: float
    y_max_px: float


def write_correction(folder: Path, prediction_id: str, boxes: Sequence[CorrectedBox]) -> None:
    """Write the boxes of a photo, an empty list where nothing is in it; an older file is replaced.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    content = json.dumps({"boxes": [asdict(box) for box in boxes]}, indent=1)
    write_atomic(folder / f"{prediction_id}{SUFFIX}", content + "\n")


def read_correction(folder: Path, prediction_id: str) -> tuple[CorrectedBox, ...] | None:
    """The boxes of a photo as a person corrected them; None where nobody did.

    Raises:
        CorrectionError: the file is there, but holds something else.
    """
    path = folder / f"{prediction_id}{SUFFIX}"
    try:
        with open_regular(path) as file:
            boxes = json.loads(file.read(MAX_BYTES))["boxes"]
        return tuple(CorrectedBox(**box) for box in boxes)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorrectionError(
            f"{path}: expected corrected boxes as the service writes them ({error}); remove the "
            "file to go on with the model's boxes"
        ) from error
