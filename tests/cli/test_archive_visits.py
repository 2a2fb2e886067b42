"""Visits found camera by camera are those of all photos together."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from itertools import product

from sparrow.cli.archive_visits import ArchiveVisits
from sparrow.cli.count_report import sightings_in_words
from sparrow.cli.count_tally import Tally
from sparrow.visits.capture import Capture
from sparrow.visits.maximum import Number
from sparrow.visits.visits import SeenPhoto, find_sightings

TALLY = Tally(["robin", "wren"])
NOON = datetime(2026, 5, 1, 12)


def photo(camera: str, number: int) -> SeenPhoto:
    """Two a visit; of every seventh no time is known."""
    taken = None if number % 7 == 6 else NOON + timedelta(minutes=10 * (number // 2))
    numbers = tuple(Number(n, n, n + 1, n + 0.2, 0.5) for n in (number, 1, number - 1))
    name = f"{camera}/IMG_\udce4{number:03d}.jpg"  # a byte that is no UTF-8
    return SeenPhoto(name, Capture(taken, "exif" if taken else "", camera), numbers, number == 3)


def test_no_photo_makes_no_visit() -> None:
    with closing(ArchiveVisits()) as visits:
        assert visits.find(60, Tally([])) == []
        assert visits.visit_of("a.jpg") is None


def test_two_cameras_have_the_visits_and_words_of_all_their_photos_together() -> None:
    photos = [photo(camera, number) for number, camera in product(range(50), ("b ä", "a"))]
    together = find_sightings(photos, 60, TALLY.confidence)
    assert len(together.visits) > 40
    assert len(together.undated) == 14
    with closing(ArchiveVisits()) as visits:
        for each in photos:
            visits.add(each)
        assert visits.find(60, TALLY) == sightings_in_words(together, TALLY)
        for each in photos:
            assert visits.visit_of(each.name) == together.visit_of.get(each.name)
