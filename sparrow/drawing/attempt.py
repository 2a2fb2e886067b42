"""Pictures that a run can do without: one that cannot be drawn must not cost it its model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def attempt_drawing(what: str, draw: Callable[[], T]) -> T | None:
    """What ``draw`` returns; where it fails, None, and a line that says what is missing.

    Args:
        what: is drawn, in words.
        draw: draws it.
    """
    try:
        return draw()
    except Exception as error:
        kind = type(error).__name__
        print(f"{what}: not drawn ({kind}: {error}); the run goes on without", flush=True)
        return None
