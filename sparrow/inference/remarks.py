"""What a person should know of a count besides its number: one form for page and command line."""

from __future__ import annotations

from sparrow.inference.object_size import size_in_words

UNLIKE = "unlike the photos this model learnt from: no likely range"
DRAWN = (
    "This model learnt from drawings, as a demonstration: on photos of a camera its counts mean "
    "little."
)


def remarks(smallest_px: int | None, out_of_distribution: bool | None) -> tuple[str, ...]:
    """The remarks on one photo.

    Args:
        smallest_px, out_of_distribution: of ``CountedPhoto``.
    """
    size = size_in_words(smallest_px)
    return (*((UNLIKE,) if out_of_distribution else ()), *((size,) if size else ()))
