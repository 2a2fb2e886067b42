"""What a person should know of a count besides its number: one form for page and command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.false_alarms import FalseAlarms
from sparrow.inference.object_size import size_in_words

if TYPE_CHECKING:
    from sparrow.inference.model_folder import ModelInfo

UNLIKE = "unlike the photos this model learnt from: no likely range"
DRAWN = (
    "This model learnt from drawings, as a demonstration: on photos of a camera its counts mean "
    "little."
)

STARTER = (
    "A starter counts here, which learnt from photos of others: nobody has measured how well it "
    "counts yours, and there are no likely ranges."
)


def warning_of(info: ModelInfo) -> str:
    """What to know of all counts of a model before any of them is used; empty for most."""
    if info.learnt_from_drawings:
        return DRAWN
    return STARTER if info.starter is not None else ""


NOT_FITTED = "no likely range: none was measured with such tiles"


def remarks(
    smallest_px: int | None,
    out_of_distribution: bool | None,
    tiles: int = 0,
    *,
    has_range: bool = True,
) -> tuple[str, ...]:
    """The remarks on one photo.

    Args:
        smallest_px, out_of_distribution: of ``CountedPhoto``.
        tiles: of its record.
        has_range: whether its count has a likely range.
    """
    unlike = UNLIKE if out_of_distribution else ""
    in_tiles = f"counted in {tiles} tiles" if tiles else ""
    if tiles and not has_range and not out_of_distribution:
        in_tiles += f", {NOT_FITTED}"
    return tuple(filter(None, (unlike, in_tiles, size_in_words(smallest_px))))


def unlike_in_words(flagged: int, photos: int, false_alarms: FalseAlarms | None) -> str:
    """What it means that so many of so many photos are flagged.

    Args:
        flagged: 1 or more.
        photos: that were counted.
        false_alarms: of the model, where it is known.
    """
    words = f"{flagged} of {photos} photos {'is' if flagged == 1 else 'are'} unlike those this "
    words += "model learnt from"
    if false_alarms is None:
        return f"{words}: their counts may be far off, and have no likely range"
    usual = f"{100 * false_alarms.rate:.2g} in 100"
    if false_alarms.explain(flagged, photos):
        return f"{words}, no more than chance brings: of photos like them it flags about {usual}"
    return (
        f"{words}, more than the {usual} that it flags of photos like them: their counts may be "
        "far off, and have no likely range"
    )
