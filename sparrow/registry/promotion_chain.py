"""The hash chain of the promotion log: what was edited, removed or inserted is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_HASHED = (
    "model", "number", "at", "who", "from_version", "to_version", "why", "forced", "evidence",
)  # fmt: skip


@dataclass(frozen=True)
class BrokenChain:
    """The first place where the log is not what was written.

    Attributes:
        number: of the entry that was changed or is missing.
        words: what is wrong with it, for people.
    """

    number: int
    words: str


def entry_sha256(row: Mapping[str, Any], previous: str) -> str:
    """Hash over all fields of an entry (as the table holds them) and the entry before it.

    It never changes: entries of years carry it, and a migration computed it for older ones.
    """
    values = {name: row[name] for name in _HASHED}
    text = json.dumps({**values, "previous": previous}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def first_break(
    rows: Sequence[Mapping[str, Any]], head: Mapping[str, Any] | None
) -> BrokenChain | None:
    """The first place where the log is not what was written; None where there is none.

    Args:
        rows: of all entries, oldest first.
        head: number and hash that were noted for the newest entry.
    """
    previous = ""
    for expected, row in enumerate(rows, 1):
        number = row["number"]
        if number != expected:
            return BrokenChain(expected, f"entry {expected} is missing before entry {number}")
        if row["sha256"] is None:
            return BrokenChain(
                number, f"entry {number} carries no hash: added by hand or by an older release"
            )
        if row["sha256"] != entry_sha256(row, previous):
            return BrokenChain(
                number, f"entry {number} of {row['at']} is not as it was written, or not the one"
                f" that followed entry {number - 1}"
            )  # fmt: skip
        previous = row["sha256"]
    return _wrong_head(len(rows), previous, head)


def _wrong_head(last: int, sha256: str, head: Mapping[str, Any] | None) -> BrokenChain | None:
    """Whether the note of the newest entry is not about the last one, of this hash."""
    if head is None:
        words = f"the note of the newest entry ({last}) is missing"
        return BrokenChain(last, words) if last else None
    if head["number"] > last:
        words = f"entry {last + 1} is missing; there were {head['number']} entries"
        return BrokenChain(last + 1, words)
    if (head["number"], head["sha256"]) != (last, sha256):
        return BrokenChain(last, f"entry {last} is not the one that was noted as the newest")
    return None
