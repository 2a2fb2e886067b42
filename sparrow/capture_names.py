"""When a photo was taken and by which camera, as far as its name and its folders tell.

For photos whose EXIF tells nothing. Times are by the clock of whatever wrote the name: two are only
compared within one camera. What could be read in two ways is unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

FIRST_DAY = date(1990, 1, 1)  # hardly a digital photo is older: such a number is no day

_DAY = r"(?P<year>\d{4})(?P<dash>[-_.]?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
_CLOCK = (
    r"(?P<hour>\d\d)(?P<colon>[-_.:]?)(?P<minute>\d\d)(?P=colon)(?P<second>\d\d)"
    r"(?:[._,-]?(?P<fraction>\d{3}(?:\d{3})?))?(?!\d)(?:\s?(?P<half>[AP])M\b)?"
)
# Only letters before a date (IMG, PXL): digits within a hash that look like one are none.
_BEGINS = r"(?<![0-9A-Za-z])[A-Za-z]*"
_MOMENT = re.compile(rf"{_BEGINS}{_DAY}(?:[-_.T ]|__|, |\sat\s)?{_CLOCK}", re.ASCII)
_DATE = re.compile(rf"{_BEGINS}{_DAY}(?![0-9A-Za-z])", re.ASCII)
_WHOLE_DAY, _WHOLE_CLOCK = re.compile(_DAY, re.ASCII), re.compile(_CLOCK, re.ASCII)
_NESTED_DAY = re.compile(r"(?:^|/)(\d{4})/(\d\d)/(\d\d)$", re.ASCII)
_NESTED_DAYS = re.compile(r"(?:^|(?<=/))(?:19|20)\d\d(?:/[01]\d(?:/[0-3]\d)?)?/", re.ASCII)
_MONTH = re.compile(r"(?:19|20)\d\d[-_.](?:0[1-9]|1[0-2])", re.ASCII)
_SENT = re.compile(r"whatsapp|-WA\d{4}", re.IGNORECASE)  # named by when it was sent

# Folders of any set or memory card: they tell no two cameras apart.
_COMMON_FOLDERS = frozenset({
    "all", "annotations", "camera roll", "data", "dataset", "dcim", "dev", "files", "image",
    "images", "img", "imgs", "jpegimages", "jpg", "labels", "media", "obj_test_data",
    "obj_train_data", "obj_valid_data", "photo", "photos", "pictures", "raw", "test", "test2017",
    "testing", "tests", "train", "train2017", "training", "uploads", "val", "val2017", "valid",
    "validation",
})  # fmt: skip
_CARD_FOLDER = re.compile(r"[1-9]\d\d[A-Za-z0-9_]{5}", re.ASCII)  # 100CANON, 101_0512: DCF


@dataclass(frozen=True, slots=True)
class NamedTime:
    """What a name tells.

    Attributes:
        day: on which the photo was taken; of messengers, on which it was sent.
        moment: when it was taken; None where the name tells no more than the day.
    """

    day: date
    moment: datetime | None = None


def time_in_name(path: str, latest: date | None = None) -> NamedTime | None:
    """When a photo was taken by its name, else by its folders; None where they do not tell.

    ``IMG_20240512_081502.jpg``, ``2024-05-12 08.15.02.jpg``, ``2024-05-12/08-15-02.jpg``,
    ``2024/05/12/a.jpg``. A name counts before its folders, an inner folder before outer ones. Two
    times in one name, impossible dates, days before 1990 or in the future are none.

    Args:
        path: with ``/``, below the folder that a person named.
        latest: the last day that is not in the future; by default tomorrow, as zones differ.
    """
    latest = latest or date.today() + timedelta(days=1)
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    if not _DATE.search(stem) and not _MOMENT.search(stem):
        day, clock = _day_of_folders(folder, latest), _WHOLE_CLOCK.fullmatch(stem)
        return NamedTime(day, _moment(day, clock) if clock else None) if day else None
    named = _only_time(stem, latest)
    return NamedTime(named.day) if named and _SENT.search(stem) else named


def camera_folder(path: str) -> str:
    """The folders of a photo that may be its camera's, ``garden/cam1``; "" where none may.

    Left out are those of any set or memory card (``images``, ``train``, ``DCIM``, ``100CANON``),
    and days, months and years.

    Args:
        path: with ``/``, below the folder that a person named.
    """
    folders = _NESTED_DAYS.sub("", path.rpartition("/")[0] + "/").split("/")
    return "/".join(folder for folder in folders if folder not in ("", ".") and _tells(folder))


def _tells(folder: str) -> bool:
    plain = folder.casefold() in _COMMON_FOLDERS or _CARD_FOLDER.fullmatch(folder)
    return not (plain or _WHOLE_DAY.fullmatch(folder) or _MONTH.fullmatch(folder))


def _only_time(text: str, latest: date) -> NamedTime | None:
    """The one moment that a text tells, else the one day."""
    of_days = [(day, m) for m in _MOMENT.finditer(text) if (day := _day_of(m, latest))]
    moments = {moment for day, match in of_days if (moment := _moment(day, match))}
    days = {moment.date() for moment in moments}
    days |= {day for match in _DATE.finditer(text) if (day := _day_of(match, latest))}
    if len(days) != 1:
        return None
    return NamedTime(days.pop(), moments.pop() if len(moments) == 1 else None)


def _day_of_folders(folder: str, latest: date) -> date | None:
    while folder:
        if nested := _NESTED_DAY.search(folder):
            day = _valid_day(*nested.groups(), latest=latest)
            if day:
                return day
        folder, _, last = folder.rpartition("/")
        if named := _only_time(last, latest):
            return named.day
    return None


def _day_of(match: re.Match[str], latest: date) -> date | None:
    return _valid_day(match["year"], match["month"], match["day"], latest=latest)


def _valid_day(year: str, month: str, day: str, *, latest: date) -> date | None:
    try:
        named = date(int(year), int(month), int(day))
    except ValueError:  # the 30th of February
        return None
    return named if FIRST_DAY <= named <= latest else None


def _moment(day: date, clock: re.Match[str]) -> datetime | None:
    hour = int(clock["hour"])
    if clock["half"]:
        hour = hour % 12 + (12 if clock["half"] == "P" else 0)
    parts = (hour, int(clock["minute"]), int(clock["second"]))
    try:
        return datetime(
            day.year, day.month, day.day, *parts, int((clock["fraction"] or "").ljust(6, "0"))
        )
    except ValueError:  # 25 o'clock: another number after a day
        return None
