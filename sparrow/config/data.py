"""Where photos and boxes are, what is accepted of them, and how they are split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, field_serializer, field_validator, model_validator

from sparrow.config.base import Count, Fraction, Section, Unit
from sparrow.nearest_name import nearest_name
from sparrow.photo_names import PHOTO_SUFFIXES

PLACES = ("root", "new", "rejected", "prepared")  # of the section data
MAX_CLASS_NAME_LENGTH = 100
ALL = "all"  # as a config spells that no class is left out


class GenerateConfig(Section):
    """Drawn photos, made when ``data.root`` does not exist yet."""

    photos: Count
    seed: int = 0


class DataConfig(Section):
    """Where photos and tables lie, and what is legal in them."""

    root: str = "data/raw"  # images/, image_info.csv, bboxes/bounding_boxes.csv
    new: str = "data/new"  # the same with the prefix new_ on both tables; merged, then emptied
    rejected: str = "data/rejected"  # what intake refused, with its report
    prepared: str = "data/prepared"  # caches, made on demand
    generate: GenerateConfig | None = None  # null: the data must be there
    # What is counted. `all`, or left out of a file: every class of the set (pipeline/classes.py);
    # empty until a run has settled which. The default is what earlier releases stored.
    classes: tuple[str, ...] = ("house_sparrow",)
    # How people call several of a class, where that is not English's rule: {goose: geese}.
    plurals: dict[str, str] = Field(default_factory=dict)
    sources: tuple[str, ...] | None = None  # null: any
    licenses: tuple[str, ...] | None = None  # null: any; another one is an error
    # Photos under these alone are shown in cards, pages and contact sheets; null: all, []: none.
    show_licenses: tuple[str, ...] | None = None
    extensions: tuple[str, ...] = PHOTO_SUFFIXES  # every kind of photo that is read
    min_boxes_per_photo: Annotated[int, Field(ge=0)] = 0
    max_boxes_per_photo: Count = 300
    max_side_px: Count = 30_000  # of a photo: 48 megapixels are 8064 × 6048
    same_box_iou: Unit = 0.95  # two boxes of one class that overlap this much are one box twice
    near_duplicate_bits: Annotated[int, Field(ge=0, le=64)] = 12  # of two 64-bit hashes, both
    tiny_box_px: Annotated[float, Field(ge=0)] = 8.0  # a shorter side is a warning
    huge_box_fraction: Unit = 0.95  # of the photo; a larger box is a warning
    label_error_score: Unit = (
        0.8  # a detection this sure where no box is puts its photo up for review
    )

    @field_validator("classes", mode="before")
    @classmethod
    def _all_or_a_list(cls, classes: Any) -> Any:  # as the file has them
        if classes == ALL:
            return ()
        if isinstance(classes, list) and not classes:
            raise ValueError(f"expected names, or {ALL}: every class of the set")
        return tuple(classes) if isinstance(classes, list) else classes  # as JSON mode does it

    @field_serializer("classes")
    def _spelled(self, classes: tuple[str, ...]) -> tuple[str, ...] | str:
        return classes or ALL

    @model_validator(mode="after")
    def _consistent(self) -> DataConfig:
        if self.min_boxes_per_photo > self.max_boxes_per_photo:
            raise ValueError("min_boxes_per_photo must not exceed max_boxes_per_photo")
        if len({name.casefold() for name in self.classes}) < len(self.classes):
            raise ValueError("classes must name each class once, whatever its case")
        for name in self.classes:
            _check_name("classes", name)
        for name in self.plurals.values():
            _check_name("plurals", name)
        return self


def _check_name(key: str, name: str) -> None:
    if not name.isprintable() or name != name.strip() or not name:
        raise ValueError(
            f"{key}: expected printable names, no blanks at their ends, found {name!r}"
        )
    if len(name) > MAX_CLASS_NAME_LENGTH:
        raise ValueError(f"{key}: at most {MAX_CLASS_NAME_LENGTH} characters, found {len(name)}")


def plural_faults(data: DataConfig, classes: Sequence[str]) -> list[str]:
    """Plurals of what is not counted, in words: a name that is misspelt would change nothing."""
    faults = []
    for name in data.plurals:
        if name not in classes:
            near = nearest_name(name, classes)
            hint = f"; did you mean {near!r}?" if near else ""
            known = ", ".join(classes)
            faults.append(f"data.plurals: {name!r} is not a class; the classes are {known}{hint}")
    return faults


class SplitConfig(Section):
    """Shares of the photos; groups (author, near-duplicates, visits) never cross."""

    test_fraction: Fraction = 0.25
    validation_fraction: Fraction = 0.2  # of all photos
    tries: Count = 200  # seeds tried; the best-balanced split is kept
    # Photos of one camera (by EXIF), each at most so long after the one before, are one visit and
    # count once. A camera that releases by the clock needs less than its interval.
    visit_seconds: Annotated[float, Field(ge=0)] = 60.0
    licenses: tuple[str, ...] | None = None  # null: all; photos under others take no part

    @model_validator(mode="after")
    def _leaves_training(self) -> SplitConfig:
        if self.test_fraction + self.validation_fraction > 0.8:
            raise ValueError(
                "test_fraction + validation_fraction must leave at least 0.2 for training"
            )
        return self
