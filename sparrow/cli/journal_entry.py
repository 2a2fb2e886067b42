"""What the journal of ``sparrow count`` holds of a photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

from sparrow.cli.file_key import FileKey
from sparrow.inference.tile_choice import Tiles


class Entry(TypedDict):
    """A counted photo.

    Attributes:
        record: a ``PredictionRecord`` as JSON values.
        message: what went wrong, in words; None where nothing did.
        file: of the photo, when it was read; None where it could not be opened.
        annotated: absolute path of the drawing, if there is one.
        real: the photo's absolute path, links followed: it is found again from any folder.
        smallest_px: see ``CountedPhoto``.
        shot: a ``Shot`` as JSON values; journals of earlier releases have none.
        out_of_distribution: see ``CountedPhoto``; None as well in journals of earlier releases.
        expected: see ``CountedPhoto``; earlier journals have none, nor has a photo whose detections
            are left out in part.
        left_out: detections at excluded places, which no journal knows of.
        renamed: the photo was counted under another name, by ``sparrow watch``.
        boxes_from: the least score of ``faint``, where those boxes were asked for.
        faint: boxes below the operating threshold, as JSON values.
        tiles: what was asked for; absent where the photo was to be seen whole.
        position: latitude and longitude of a photo of an archive, where they were asked for.
    """

    record: dict[str, Any]
    message: str | None
    file: FileKey | None
    annotated: str | None
    real: str
    smallest_px: int | None
    shot: NotRequired[dict[str, str]]
    out_of_distribution: NotRequired[bool | None]
    expected: NotRequired[Sequence[Sequence[float] | None]]
    left_out: NotRequired[int]
    renamed: NotRequired[bool]
    boxes_from: NotRequired[float]
    faint: NotRequired[list[dict[str, Any]]]
    tiles: NotRequired[Tiles]
    position: NotRequired[Sequence[float] | None]
