"""Photos of one camera into visits, hours and days."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Literal

from sparrow.false_alarms import FalseAlarms
from sparrow.visits.capture import Capture
from sparrow.visits.clock import read_clock
from sparrow.visits.maximum import CONFIDENCE, Maximum, Number, maximum_of

# Photos that a camera takes while animals stay are seconds apart; camera-trap programmes part their
# sequences at a minute as well (eMammal: McShea et al. 2016), and so does the split of a data set.
VISIT_SECONDS = 60.0

Per = Literal["visit", "hour", "day", "camera"]
_LENGTHS: dict[Per, timedelta] = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class SeenPhoto:
    """A photo that was counted.

    Attributes:
        name: below the folder that a person named.
        capture: when and by which camera.
        numbers: the count of all classes together, then that of each class.
        out_of_distribution: unlike the photos that the model learnt from: no interval holds.
    """

    name: str
    capture: Capture
    numbers: tuple[Number, ...]
    out_of_distribution: bool = False


@dataclass(frozen=True)
class Group:
    """Photos of one camera in one visit, hour or day, or all that it has.

    Attributes:
        per: which of these it is.
        number: of the visit, from 1 over all cameras; 0 where this is none.
        camera: a name for people.
        begins, ends: of the first and of the last photo; of an hour or day: its own. None for a
            camera none of whose photos has a time.
        photos: in the order of their times.
        maxima: of all classes together, then of each class.
        visits: that begin in it.
        unlike: photos that are flagged as unlike those that the model learnt from.
        usual: whether so many are flagged of photos that the model knows, too.
    """

    per: Per
    number: int
    camera: str
    begins: datetime | None
    ends: datetime | None
    photos: tuple[SeenPhoto, ...]
    maxima: tuple[Maximum, ...]
    visits: int = 1
    unlike: int = 0
    usual: bool = True


@dataclass
class Sightings:
    """What a set of counted photos says about visits.

    Attributes:
        visits, hours, days, cameras: by camera, then by time.
        undated: photos without a time, which are of no visit, hour or day.
        notes: what the cameras' clocks did, in sentences that name the camera.
        visit_of: number of the visit by the name of its photo.
        confidence: of the photos' intervals and of the maxima's.
        false_alarms: of the model; None where it flags none, or that is not known.
    """

    visits: list[Group] = field(default_factory=list)
    hours: list[Group] = field(default_factory=list)
    days: list[Group] = field(default_factory=list)
    cameras: list[Group] = field(default_factory=list)
    undated: list[SeenPhoto] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    visit_of: dict[str, int] = field(default_factory=dict)
    confidence: float = CONFIDENCE
    false_alarms: FalseAlarms | None = None

    @property
    def groups(self) -> list[Group]:
        """Visits, then hours, days and cameras."""
        return [*self.visits, *self.hours, *self.days, *self.cameras]


def find_sightings(
    photos: Iterable[SeenPhoto],
    visit_seconds: float = VISIT_SECONDS,
    confidence: float = CONFIDENCE,
    false_alarms: FalseAlarms | None = None,
) -> Sightings:
    """Group counted photos.

    A visit is a run of one camera's photos without a gap of more than ``visit_seconds``; one over
    midnight is one visit. An hour or a day has the photos that were taken in it by the camera's own
    clock, and the visits that begin in it.

    Args:
        photos: in any order; those that could not be counted are not among them.
        visit_seconds: 0 or more.
        confidence: of the photos' intervals.
        false_alarms: how many photos are flagged though the model knows their kind; without it a
            flagged photo leaves no interval.
    """
    by_camera: dict[str, list[SeenPhoto]] = defaultdict(list)
    for photo in photos:
        by_camera[photo.capture.camera].append(photo)
    sightings = Sightings(confidence=confidence, false_alarms=false_alarms)
    for camera in sorted(by_camera):
        _add_camera(sightings, camera, by_camera[camera], visit_seconds)
    return sightings


def _add_camera(
    sightings: Sightings, camera: str, photos: Sequence[SeenPhoto], visit_seconds: float
) -> None:
    dated = [(photo, time) for photo in photos if (time := photo.capture.taken) is not None]
    undated = [photo for photo in photos if photo.capture.taken is None]
    group = partial(_group, sightings)
    sightings.undated += undated
    runs = _visits(sightings, camera, dated, visit_seconds)
    begun = []
    for run in runs:
        number = len(sightings.visits) + 1
        sightings.visits.append(replace(group("visit", camera, run), number=number))
        sightings.visit_of |= {photo.name: number for photo in run}
        begun.append(_clock(run[0]))
    in_order = sorted((photo for photo, _ in dated), key=_clock)
    sightings.hours += _spans(group, "hour", camera, in_order, begun)
    sightings.days += _spans(group, "day", camera, in_order, begun)
    every = group("camera", camera, [*in_order, *undated])
    sightings.cameras.append(replace(every, visits=len(runs)))


def _spans(
    group: Callable[..., Group],
    per: Per,
    camera: str,
    photos: Sequence[SeenPhoto],
    begun: Sequence[datetime],
) -> list[Group]:
    """The hours or days in which photos were taken; ``begun``: when the visits began."""
    length = _LENGTHS[per]
    visits = Counter(_begin(time, length) for time in begun)
    return [
        replace(group(per, camera, list(inside), (begins, begins + length)), visits=visits[begins])
        for begins, inside in groupby(photos, key=lambda photo: _begin(_clock(photo), length))
    ]


def _visits(
    sightings: Sightings,
    camera: str,
    dated: Sequence[tuple[SeenPhoto, datetime]],
    visit_seconds: float,
) -> list[list[SeenPhoto]]:
    """Runs of photos; what its clock did goes into the notes."""
    reading = read_clock(
        [photo.name for photo, _ in dated],
        [time for _, time in dated],
        all(photo.capture.time_from == "exif" for photo, _ in dated),
    )
    sightings.notes += [f"{camera}: {note}" for note in reading.notes]
    order = sorted(
        range(len(dated)), key=lambda i: (reading.part[i], reading.seconds[i], dated[i][0].name)
    )
    runs: list[list[SeenPhoto]] = []
    for before, photo in zip([None, *order], order, strict=False):
        if (
            before is None
            or reading.part[before] != reading.part[photo]
            or reading.seconds[photo] - reading.seconds[before] > visit_seconds
        ):
            runs.append([])
        runs[-1].append(dated[photo][0])
    return runs


def _group(
    sightings: Sightings,
    per: Per,
    camera: str,
    photos: Sequence[SeenPhoto],
    span: tuple[datetime, datetime] | None = None,
) -> Group:
    times = [photo.capture.taken for photo in photos if photo.capture.taken is not None]
    begins, ends = span or ((times[0], times[-1]) if times else (None, None))
    numbers = zip(*(photo.numbers for photo in photos), strict=True)
    unlike = sum(photo.out_of_distribution for photo in photos)
    alarms = sightings.false_alarms
    usual = not unlike or (alarms is not None and alarms.explain(unlike, len(photos)))
    maxima = tuple(maximum_of(n, sightings.confidence, usual=usual) for n in numbers)
    return Group(per, 0, camera, begins, ends, tuple(photos), maxima, unlike=unlike, usual=usual)


def _clock(photo: SeenPhoto) -> datetime:
    """What the camera's clock showed."""
    if photo.capture.taken is None:
        raise ValueError(f"expected a photo with a time, found {photo.name}")
    return photo.capture.taken.replace(tzinfo=None)


def _begin(time: datetime, length: timedelta) -> datetime:
    """Of the hour or day that a time is in."""
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return day if length > timedelta(hours=1) else day.replace(hour=time.hour)
