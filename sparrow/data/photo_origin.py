"""When a photo was taken and by which camera, as far as its EXIF tells. No pandas: workers start
fast.

Two photos are only ever compared by the times of one camera, so its clock may be wrong by years and
its zone unknown. What is missing or cannot be read is "": unknown, and equal to nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

MAKE, MODEL = 0x010F, 0x0110
TAKEN_AT, TAKEN_AT_FRACTION = 0x9003, 0x9291  # DateTimeOriginal, SubsecTimeOriginal
TIMES = (  # tags of a time, its fraction of a second and its distance from UTC, best first
    (TAKEN_AT, TAKEN_AT_FRACTION, 0x9011),
    (0x9004, 0x9292, 0x9012),  # DateTimeDigitized
    (0x0132, 0x9290, 0x9010),  # DateTime: of the last change, which most cameras write as well
)
BODY_NUMBERS = (0xA431, 0xC62F)  # BodySerialNumber; CameraSerialNumber of DNG
BODY_DIGITS = 6  # hex digits that tell bodies apart; the serial number itself is kept nowhere
LONGEST_NAME = 60

# What a clock that was never set shows: no photo has it but by a chance of one in some years.
UNSET = {datetime(year, 1, 1) for year in (1970, 1980, 2000)}
NO_NUMBER = {"", "0", "none", "na", "unknown", "null", "undefined", "serialnumber"}

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_TIME = re.compile(r"(\d{4})[:./-](\d\d)[:./-](\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d+))?")


def time_taken(exif: Mapping[int, object]) -> str:
    """ISO 8601 by the camera's own clock, such as ``2026-05-01T06:30:12.070000``; "" if unknown.

    A time in the future is kept: it shows a clock set wrong, and times of one camera still tell how
    far apart its photos are. What is unknown must not depend on the day it is read.

    Args:
        exif: tags by number (``images.read_exif``).
    """
    taken = _time(exif, TAKEN_AT, TAKEN_AT_FRACTION)
    return "" if taken is None else taken.isoformat()


def shutter_time(exif: Mapping[int, object]) -> datetime | None:
    """When the shutter opened, else when the photo was digitized or last changed; None if unknown.

    Aware where the camera tells its distance from UTC; else by its own clock, naive.

    Args:
        exif: tags by number (``images.read_exif``).
    """
    for tag, fraction, offset in TIMES:
        taken = _time(exif, tag, fraction)
        if taken is not None:
            return taken.replace(tzinfo=_zone(_text(exif.get(offset))))
    return None


def _time(exif: Mapping[int, object], tag: int, fraction_tag: int) -> datetime | None:
    match = _TIME.match(_text(exif.get(tag)))
    if match is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        taken = datetime(year, month, day, hour, minute, second)
    except ValueError:  # 0000:00:00, February 30th, hour 24
        return None
    digits = match[7] or _text(exif.get(fraction_tag))
    fraction = digits if digits.isascii() and digits.isdigit() else ""
    taken = taken.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    return None if taken in UNSET else taken


def _zone(text: str) -> timezone | None:
    """Of ``+02:00``; None for blanks and for what no place on earth has."""
    match = _OFFSET.fullmatch("+00:00" if text == "Z" else text)
    if match is None:
        return None
    distance = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if int(match[3]) > 59 or distance > timedelta(hours=14):
        return None
    return timezone(-distance if match[1] == "-" else distance)


def camera_name(exif: Mapping[int, object]) -> str:
    """``Canon EOS 80D #4f1c2a``: make, model and, where the body's number is known, a mark of it.

    The mark is a hash: it tells two bodies of one model apart without giving the number away. "" if
    neither model nor number is known: a make alone is no camera.

    Args:
        exif: tags by number (``images.read_exif``).
    """
    make, model = _name(exif.get(MAKE)), _name(exif.get(MODEL))
    numbers = (_text(exif.get(tag)) for tag in BODY_NUMBERS)
    number = next((text for text in numbers if _is_number(text)), "")
    if not model and not number:
        return ""
    whole = model if model.lower().startswith(make.lower()) else f"{make} {model}"
    name = whole.strip()[:LONGEST_NAME].strip()
    if not number:
        return name
    mark = hashlib.sha256(f"{make}\0{model}\0{number}".encode()).hexdigest()[:BODY_DIGITS]
    return f"{name} #{mark}".strip()


def has_body(camera: str) -> bool:
    """Whether a name of ``camera_name`` is of one body, and not of all of its model."""
    return "#" in camera


def _is_number(text: str) -> bool:
    bare = "".join(filter(str.isalnum, text)).lower()
    return bare.strip("0") != "" and bare not in NO_NUMBER


def _name(value: object) -> str:
    """Letters, digits and plain signs only: the name stands in pages and cards."""
    kept = "".join(c if c.isalnum() or c in " .+/()-" else " " for c in _text(value))
    return " ".join(kept.split())


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, int):  # some cameras write their number as one
        value = str(value)
    return value.replace("\0", " ").strip() if isinstance(value, str) else ""
