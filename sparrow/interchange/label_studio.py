"""Tasks for Label Studio with the model's boxes as predictions, for a person to correct."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sparrow.interchange.counted_file import CountedFile
from sparrow.plain_text import utf8
from sparrow.predictions.record import LoggedBox

LOCAL_FILES = "/data/local-files/?d="  # of a storage of local files, whose root is the photos' own


def task(photo: CountedFile) -> dict[str, Any]:
    """A photo that was counted, as an item of Label Studio's import JSON.

    Boxes are in percent of the photo's sides. A photo without boxes has a prediction without any.
    """
    record = photo.record
    size = {"original_width": record.width_px, "original_height": record.height_px}
    return {
        "data": {"image": LOCAL_FILES + quote(utf8(photo.name))},
        "predictions": [
            {
                "model_version": f"{record.model_name} {record.model_version}",
                "score": max((box.score for box in record.boxes), default=0.0),
                "result": [
                    {
                        "id": str(number),
                        "type": "rectanglelabels",
                        "from_name": "label",
                        "to_name": "image",
                        **size,
                        "image_rotation": 0,
                        "score": box.score,
                        "value": _value(box, record.width_px, record.height_px),
                    }
                    for number, box in enumerate(record.boxes, 1)
                ],
            }
        ],
    }


def _value(box: LoggedBox, width: int, height: int) -> dict[str, Any]:
    return {
        "x": 100 * box.x_min_px / width,
        "y": 100 * box.y_min_px / height,
        "width": 100 * (box.x_max_px - box.x_min_px) / width,
        "height": 100 * (box.y_max_px - box.y_min_px) / height,
        "rotation": 0,
        "rectanglelabels": [box.label],
    }
