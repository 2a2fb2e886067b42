"""The first line of a journal of counts: its format, and the model of its entries."""

from __future__ import annotations

import json

FORMAT = 4  # raise when an entry changes its form
STILL_READ = (3,)  # formats whose entries lack only what is told from the photo or is not needed
_BEGINNING = f'{{"format": {FORMAT}'.encode()


def head(number: int, model: str) -> bytes:
    """The first line of a journal.

    Args:
        number: of the format.
        model: what the entries were made with.
    """
    return json.dumps({"format": number, "model": model}).encode() + b"\n"


def is_torn(line: bytes) -> bool:
    """Whether this is a first line that a full disk or a kill cut."""
    return not line.endswith(b"\n") and (line.startswith(_BEGINNING) or _BEGINNING.startswith(line))


def why_not(line: bytes, path: str) -> str:
    """Why the entries behind a first line do not count, in words.

    Raises:
        ValueError: it is no first line of a journal.
    """
    try:
        head = json.loads(line)
        old = "format" not in head or head["format"] not in (FORMAT, *STILL_READ)
        if "model" in head:
            return "of an earlier version of this program" if old else "of another model"
    except (ValueError, TypeError):
        pass
    raise ValueError(
        f"{path}: this is no journal of `sparrow count`, or its first line is damaged. Delete it "
        "to count all photos, or choose another --to"
    )
