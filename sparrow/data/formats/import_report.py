"""What an import took, what it cut, left out or skipped, and where: a value that can be printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from sparrow.data.formats.described import Remark
from sparrow.plain_text import one_line

MAX_EXAMPLES = 3


@dataclass(frozen=True)
class ImportOptions:
    """What a person decides where a set leaves it open.

    Attributes:
        unlabelled: photos that no label file describes: an error, photos without objects, or
            left out.
        missing: labels of photos that are not there: an error, or left out.
        crowd: boxes around groups: used like others, or left out.
        boxes_on: the pixels that boxes of EXIF-turned photos are drawn on: of the upright photo or
            of the stored one. None takes what the stated size shows, else the upright photo.
        cameras: whether folders that tell photos apart are taken for their cameras.
        label: the class of boxes of which their file tells none; "" makes them an error.
        class_attribute: of VIA's regions, which is the class; "" takes the one that can be told.
    """

    unlabelled: Literal["refuse", "empty", "skip"] = "refuse"
    missing: Literal["refuse", "skip"] = "refuse"
    crowd: Literal["use", "skip"] = "use"
    boxes_on: Literal["upright", "stored"] | None = None
    cameras: Literal["folders", "none"] = "folders"
    label: str = ""
    class_attribute: str = ""


@dataclass
class Remarks:
    """Remarks of one kind: how many, and where the first ones are."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, where: str) -> None:
        """Count one more; the first few are named."""
        self.count += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(where)

    def line(self, what: str) -> str:
        """The number, what happened, and where."""
        more = "" if self.count <= len(self.examples) else ", …"
        return f"{self.count:,} {what} ({', '.join(self.examples)}{more})"


@dataclass
class ImportReport:
    """What became of a set.

    Attributes:
        kind: the format that was read.
        label_files: how many, and the first ones.
        photos, empty_photos: how many were taken; how many of them have no box.
        boxes: of each class.
        remarks: by what happened, in the order of their first occurrence.
        most_cut_px, cut: boxes that were cut at their photo's edge, and by how much at most.
    """

    kind: str
    label_files: Sequence[str] = ()
    photos: int = 0
    empty_photos: int = 0
    boxes: Counter[str] = field(default_factory=Counter)
    remarks: dict[str, Remarks] = field(default_factory=dict)
    most_cut_px: float = 0.0
    cut: Remarks = field(default_factory=Remarks)

    def add_cut(self, outside_px: float, where: str) -> None:
        """Count one more box that was cut at its photo's edge, and by how much."""
        self.most_cut_px = max(self.most_cut_px, outside_px)
        self.cut.add(where)

    def add(self, what: str, where: str) -> None:
        """Count one more of a kind; the first few are named."""
        self.remarks.setdefault(what, Remarks()).add(where)

    def extend(self, remarks: Sequence[Remark]) -> None:
        """Count what a parser remarked."""
        for remark in remarks:
            self.add(remark.what, remark.where)

    def lines(self) -> list[str]:
        """The report as lines of text, the counts first."""
        files = ", ".join(self.label_files[:MAX_EXAMPLES])
        more = "" if len(self.label_files) <= MAX_EXAMPLES else ", …"
        lines = [f"read as {self.kind}: {len(self.label_files):,} label files ({files}{more})"]
        classes = ", ".join(f"{label} {count:,}" for label, count in sorted(self.boxes.items()))
        lines.append(
            f"{self.photos:,} photos with {self.boxes.total():,} boxes ({classes or 'no class'}); "
            f"{self.empty_photos:,} photos have none"
        )
        if self.cut.count:
            most = f"{self.most_cut_px:.3g}"
            lines.append(
                self.cut.line(f"boxes reached up to {most} px beyond their photo and were cut")
            )
        lines += [remarks.line(what) for what, remarks in self.remarks.items()]
        return [one_line(line) for line in lines]
