"""What a synthetic set shows: how many photos, of which seed, season, species and birds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sparrow.data.synthetic.plumage import SPECIES

SEASONS = ("summer", "winter")
BIRDS = ("all", "others", "none")
SPARROW = "house_sparrow"


@dataclass(frozen=True)
class SyntheticSettings:
    """The same settings give the same pixels and tables.

    Attributes:
        photos: how many, at least 1.
        seed: 0 or more.
        season: "summer", or "winter": snow, dim cold light, puffed birds (for drift).
        classes: species that get boxes, of ``plumage.SPECIES``; the others are distractors.
        birds: "all", "others" (at least one, no sparrow) or "none".
        prefix: before both table names ("new_" for data to be ingested).

    Raises:
        ValueError: no photos asked for, a negative seed, an unknown season, class or birds.
    """

    photos: int
    seed: int
    season: str = "summer"
    classes: tuple[str, ...] = (SPARROW,)
    birds: str = "all"
    prefix: str = ""

    def __post_init__(self) -> None:
        if self.photos < 1 or self.seed < 0:
            raise ValueError(
                f"expected photos >= 1 and seed >= 0, found {self.photos} and {self.seed}"
            )
        if self.season not in SEASONS:
            raise ValueError(f"unknown season {self.season!r}; expected one of {_named(SEASONS)}")
        if self.birds not in BIRDS:
            raise ValueError(f"unknown birds {self.birds!r}; expected one of {_named(BIRDS)}")
        unknown = sorted(set(self.classes) - set(SPECIES))
        if unknown or not self.classes:
            raise ValueError(
                f"cannot draw {_named(unknown) or 'no class'}; species: {_named(SPECIES)}"
            )


def _named(names: Iterable[str]) -> str:
    return ", ".join(names)
