"""How small objects are looked for in a photo, as a person chooses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# The side, in pixels of the photo, of the smallest objects to be found; auto: the network's own
# smallest box. None: the photo is seen whole, and only so.
Tiles = Literal["auto"] | int | None
EXPECTED = (
    "none, auto, or the side in pixels of the smallest objects that are to be found, such as 24"
)


@dataclass(frozen=True)
class TileChoice:
    """What is asked for.

    Attributes:
        tiles: see ``Tiles``.
        most: tiles of one photo; where more would be needed, only larger objects are looked for.
    """

    tiles: Tiles = None
    most: int | None = None


NO_TILES = TileChoice()


def parse_tiles(text: str | int) -> Tiles:
    """A choice as it is written in a command or a config.

    Raises:
        ValueError: it is none.
    """
    if text in ("none", "auto"):
        return "auto" if text == "auto" else None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise ValueError(f"expected {EXPECTED}; found {str(text)[:40]!r}")
    return number
