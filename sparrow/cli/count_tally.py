"""Sums over counted photos, taken up one by one: what ``sparrow count`` says at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sparrow.cli.counted_folder import numbers_of
from sparrow.cli.journal_entry import Entry
from sparrow.false_alarms import FalseAlarms
from sparrow.inference.remarks import warning_of
from sparrow.predictions.count_words import is_minimum
from sparrow.visits.maximum import CONFIDENCE

if TYPE_CHECKING:
    from sparrow.inference.counter import PhotoCounter


@dataclass
class Tally:
    """What the photos so far add up to.

    Attributes:
        class_names, plurals: of the model.
        warning: what to know of all its counts; empty for most.
        false_alarms: how many photos it flags though it knows their kind.
        confidence: of its intervals.
        counted: photos that could be counted.
        total, by_class: objects in them.
        minimum: one of the counts is the least that there may be, and so are the sums.
        out_of_distribution: photos unlike those that the model learnt from.
        failed: name and reason of each photo that could not be counted.
        left_out, left_out_of: detections at excluded places, and photos that have any.
        sizes: how many photos are shrunk so far that objects below so many pixels may be missed.
        tiled: the same of photos that were counted in tiles.
        tiles: of these photos together.
        tiled_without_range: how many of them have no likely range, though they look like others.
    """

    class_names: Sequence[str]
    plurals: Mapping[str, str] = field(default_factory=dict)
    warning: str = ""
    false_alarms: FalseAlarms | None = None
    confidence: float = CONFIDENCE
    counted: int = 0
    total: int = 0
    by_class: Counter[str] = field(default_factory=Counter)
    minimum: bool = False
    left_out: int = 0
    left_out_of: int = 0
    out_of_distribution: int = 0
    failed: list[tuple[str, str | None]] = field(default_factory=list)
    sizes: Counter[int] = field(default_factory=Counter)
    tiled: Counter[int] = field(default_factory=Counter)
    tiles: int = 0
    tiled_without_range: int = 0

    @classmethod
    def of(cls, counter: PhotoCounter) -> Tally:
        """A tally of photos that this model counted."""
        info = counter.info
        return cls(
            info.class_names,
            info.plurals,
            warning_of(info),
            counter.false_alarms,
            (info.count_model or {}).get("confidence", CONFIDENCE),
        )

    def add(self, entry: Entry) -> None:
        """Take up a photo."""
        record = entry["record"]
        tiles = record.get("tiles", 0)
        if entry["smallest_px"]:
            (self.tiled if tiles else self.sizes)[entry["smallest_px"]] += 1
        if record["error"] is not None:
            self.failed.append((record["file_name"], entry["message"]))
            return
        self.counted += 1
        self.tiles += tiles
        strange = entry.get("out_of_distribution") is True
        self.tiled_without_range += bool(tiles) and record["count_low"] is None and not strange
        self.left_out += entry.get("left_out", 0)
        self.left_out_of += entry.get("left_out", 0) > 0
        self.out_of_distribution += strange
        total, *own = numbers_of(entry, self.class_names)
        self.total += total.count
        self.minimum |= is_minimum(total.low, total.high)
        for name, number in zip(self.class_names, own, strict=True):
            self.by_class[name] += number.count
