"""Whose photos these are: attribution, notices, and using only photos under some licences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.tables import UNKNOWN, Dataset
from sparrow.plain_text import one_line

UNCREDITED = "author, source and licence are unknown"


def is_uncredited(photo: Mapping[Any, Any]) -> bool:
    """Whether nobody recorded author, source and licence of a photo.

    Args:
        photo: a row of ``Dataset.images``.
    """
    return {str(photo[name]) for name in ("author", "source", "license")} == {UNKNOWN}


def attribution(photo: Mapping[Any, Any], changes: str = "") -> str:
    """The line that belongs under a photo: author, source, file and licence.

    Args:
        photo: a row of ``Dataset.images``.
        changes: what was done to it ("boxes drawn"), which the licences want stated.
    """
    changed = f"; {changes}" if changes else ""
    if is_uncredited(photo):
        return f"Photo {_in_a_line(photo['image'])}: {UNCREDITED}{changed}"
    image, author, source, license = (
        _in_a_line(photo[name]) for name in ("image", "author", "source", "license")
    )
    return f"Photo {image} by {author} ({source}), {license}{changed}"


def notice(dataset: Dataset, title: str = "Photos") -> str:
    """The text of a NOTICE file: every photo, grouped by licence, with author and source."""
    lines = [
        f"{title}: {len(dataset.images):,}. Each is its author's, under the licence named here."
    ]
    for license, photos in dataset.images.sort_values("image").groupby("license", sort=True):
        lines += ["", f"{_in_a_line(license)} ({len(photos):,})", ""]
        lines += [
            "  " + _in_a_line(f"{p['image']}: {p['author']} ({p['source']})")
            for p in photos.to_dict("records")
        ]
    return "\n".join(lines) + "\n"


def licence_counts(dataset: Dataset) -> dict[str, int]:
    """Photos under each licence, most frequent first."""
    return {str(name): int(n) for name, n in dataset.images["license"].value_counts().items()}


def keep_licences(dataset: Dataset, licences: Sequence[str] | None) -> Dataset:
    """Only the photos under some licences, with their boxes; None keeps all.

    Raises:
        DataError: no photo is left; the message lists the licences there are.
    """
    if licences is None:
        return dataset
    kept = dataset.having(dataset.images["license"].isin(licences))
    if kept.images.empty:
        there = ", ".join(licence_counts(dataset)) or "none"
        raise DataError(
            f"{dataset.root}: no photo is under {', '.join(licences)} (split.licenses); "
            f"there are: {there}"
        )
    return kept


def may_show(license: object, licences: Sequence[str] | None) -> bool:
    """Whether a photo under ``license`` may be shown (``data.show_licenses``; None: any)."""
    return licences is None or str(license) in licences


def shown_photos(dataset: Dataset, licences: Sequence[str] | None) -> Dataset:
    """The photos that cards, pages and sheets may show, with their boxes; perhaps none.

    Args:
        licences: ``data.show_licenses``; None shows all.
    """
    if licences is None:
        return dataset
    return dataset.having(dataset.images["license"].isin(licences))


def other_licences_words(licences: Sequence[str]) -> str:
    """What a page says that shows some photos and others not."""
    allowed = ", ".join(map(_in_a_line, licences)) or "no licence"
    return f"Photos are shown under {allowed} alone (data.show_licenses)."


def not_shown_words(licences: Sequence[str] | None) -> str:
    """What stands in the place of photos none of which may be shown."""
    return (
        "No photo may be shown here: data.show_licenses allows photos under "
        f"{', '.join(map(_in_a_line, licences or ())) or 'no licence'}."
    )


def _in_a_line(text: object) -> str:
    return one_line(" ".join(str(text).split()))
