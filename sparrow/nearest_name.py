"""The name that a typo may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def nearest_name(name: str, known: Sequence[str]) -> str | None:
    """The known name most like this one, whatever their case; None where none is like it."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return close[0]
    lower = {text.lower(): text for text in known}
    close = difflib.get_close_matches(name.lower(), list(lower), n=1)
    return lower[close[0]] if close else None
