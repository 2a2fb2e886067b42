"""By which camera and when each photo was taken: by its EXIF, its row, its name and its folders.

The only place that decides it: what ties photos and what is said of them are the same.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.capture_names import NamedTime, camera_folder, time_in_name
from sparrow.data.photo_origin import has_body
from sparrow.data.split.tie_codes import Texts, codes_of, texts_of, tied
from sparrow.data.tables import NAMED_CAMERA

Times = NDArray[np.datetime64]


def cameras(images: pd.DataFrame) -> Texts:
    """[photos] which camera took each, "" where unknown.

    The one that its row names or, in a table that names none, the folder in its name: people keep a
    folder a camera. Else its EXIF name. A body is one camera wherever its photos are: cameras that
    share one are one, which has the body's name.
    """
    measured, named = texts_of(images, "camera"), _named(images)
    bodied = np.array([has_body(name) for name in measured], dtype=bool)
    own = np.where(named == "", measured, named)
    body = np.where(bodied, measured, "")
    whole = np.where(own == "", -1, tied(len(own), codes_of(own), codes_of(body)))
    labels = pd.DataFrame({"whole": whole, "own": own, "body": body})[whole >= 0]
    names = {group: _label(rows) for group, rows in labels.groupby("whole")}
    return np.array([names.get(group, "") for group in whole.tolist()], dtype=object)


def moments(images: pd.DataFrame) -> Times:
    """[photos] when each was taken, by the clock of its camera; NaT where unknown."""
    return _times(images)[0]


def days(images: pd.DataFrame) -> Texts:
    """[photos] the day on which each was taken, ISO 8601; "" where unknown."""
    moment, named = _times(images)
    measured = np.where(np.isnat(moment), "", np.datetime_as_string(moment, unit="D"))
    by_name = [time.day.isoformat() if time else "" for time in named]
    return np.where(measured == "", np.array(by_name, dtype=object), measured).astype(object)


def _named(images: pd.DataFrame) -> Texts:
    if NAMED_CAMERA in images:
        return texts_of(images, NAMED_CAMERA)
    folders = [camera_folder(name) for name in texts_of(images, "image")]
    told_apart = len({*folders} - {""}) > 1  # one folder for all is no camera's
    return np.array(folders if told_apart else [""] * len(folders), dtype=object)


def _label(photos: pd.DataFrame) -> str:
    """The name that all photos of one camera share, else that of its body."""
    own, bodies = sorted(set(photos["own"])), sorted(set(photos["body"]) - {""})
    return str(own[0] if len(own) == 1 or not bodies else bodies[0])


def _times(images: pd.DataFrame) -> tuple[Times, list[NamedTime | None]]:
    """When each photo was taken, and what its name tells where EXIF tells nothing."""
    measured = texts_of(images, "taken_at")
    latest = date.today() + timedelta(days=1)
    named = [
        None if time else time_in_name(name, latest)
        for name, time in zip(texts_of(images, "image"), measured, strict=True)
    ]
    by_name = [time.moment.isoformat() if time and time.moment else "NaT" for time in named]
    texts = np.where(measured == "", np.array(by_name, dtype=object), measured)
    return texts.astype("datetime64[us]"), named
