"""What a number over some photos rests on, and for whom it speaks, in one sentence."""

from __future__ import annotations

import pandas as pd

from sparrow.data.split.capture import cameras, days
from sparrow.data.split.groups import (
    CAMERA_DAYS,
    GROUPED_BY,
    MIN_GROUPS,
    WHOLES,
    count_groups,
    group_numbers,
)
from sparrow.data.tables import UNKNOWN


def evidence_words(images: pd.DataFrame, what: str = "photos") -> str:
    """``191 test photos, 3 cameras, 42 camera-days: the intervals speak for these cameras only``.

    Args:
        images: photo table with its groups; all of them are counted.
        what: what the photos are called.
    """
    groups, grouped_by = count_groups(group_numbers(images)), _grouped_by(images)
    authors, taken_by = known_authors(images), known_cameras(images)
    who = [_number(len(names), noun) for names, noun in _named(authors, taken_by)]
    head = f"{len(images):,} {what}"
    if grouped_by == WHOLES or not who or (grouped_by == CAMERA_DAYS and not taken_by):
        kinds = "" if who or not groups else " (single photos and near-duplicates)"
        head += f" in {_number(groups, 'group')}{kinds}" + (f" ({', '.join(who)})" if who else "")
    else:
        head = ", ".join([head, *who, _units(images, grouped_by, groups)]) + _scope(
            [] if grouped_by == CAMERA_DAYS else authors, taken_by
        )
    return head + _untold(images)


def known_authors(images: pd.DataFrame) -> list[str]:
    """Names of the authors who are known, each once."""
    if "author" not in images:
        return []
    return sorted(set(images["author"].dropna().astype(str)) - {UNKNOWN, ""})


def known_cameras(images: pd.DataFrame) -> list[str]:
    """Names of the cameras of photos whose author is not known, each once."""
    return sorted(set(cameras(images)[~_owned(images)]) - {""})


def takers_words(images: pd.DataFrame) -> str:
    """``12 authors and 3 cameras``: who took some photos, as far as it is known."""
    named = _named(known_authors(images), known_cameras(images))
    return " and ".join(_number(len(names), noun) for names, noun in named) or "unknown authors"


def splits_words(images: pd.DataFrame) -> str:
    """Whether anything is in more than one split, in a sentence or two."""
    owned, camera = _owned(images), pd.Series(cameras(images), images.index)
    parted = {
        "author": _in_several_splits(images[owned], images["author"][owned]),
        "camera": _in_several_splits(images[~owned], camera[~owned]),
    }
    words = [f"{whole_words(bool(owned.any()) and not parted['author'])} is in two splits."]
    for noun, names in parted.items():
        if names:
            have = "has" if len(names) == 1 else "have"
            words.append(
                f"{_number(len(names), noun)} {have} photos in more than one split, of different "
                f"days where these are known: the scores speak for what the model knows already."
            )
    return " ".join(words)


def whole_words(with_authors: bool) -> str:
    """What is never in two splits; authors only where any is known."""
    author = "No author, no near-duplicate picture" if with_authors else "No near-duplicate picture"
    return f"{author} and no visit of a camera"


def _in_several_splits(images: pd.DataFrame, names: pd.Series) -> list[str]:
    splits = images["split"].groupby(names).nunique()
    return sorted(str(name) for name in splits.index[splits > 1] if name != "")


def _owned(images: pd.DataFrame) -> pd.Series:
    if "author" not in images:
        return pd.Series(False, index=images.index)
    return images["author"].notna() & ~images["author"].isin([UNKNOWN, ""])


def _grouped_by(images: pd.DataFrame) -> str:
    return str(images[GROUPED_BY].iloc[0]) if GROUPED_BY in images and len(images) else WHOLES


def _named(authors: list[str], taken_by: list[str]) -> list[tuple[list[str], str]]:
    return [pair for pair in ((authors, "author"), (taken_by, "camera")) if pair[0]]


def _units(images: pd.DataFrame, grouped_by: str, groups: int) -> str:
    owned = _owned(images)
    if grouped_by == CAMERA_DAYS and owned.any():
        return f"{_number(groups, 'group')} (days of a camera, authors as wholes)"
    if not (days(images) != "").any():
        return f"{_number(groups, 'different picture')} (no times are known)"
    kind = "author-day" if owned.all() else "day" if owned.any() else "camera-day"
    return _number(groups, kind)


def _scope(authors: list[str], taken_by: list[str]) -> str:
    named = _named(authors, taken_by)
    if not named:
        return ""
    nouns = " and ".join(f"{noun}s" if len(names) > 1 else noun for names, noun in named)
    these = "these" if sum(len(names) for names, _ in named) > 1 else "this"
    shown = [name for names, _ in named for name in names]
    more = f" and {len(shown) - MIN_GROUPS} more" if len(shown) > MIN_GROUPS else ""
    names = "; ".join(shown[:MIN_GROUPS])
    return f": the intervals speak for {these} {nouns} only ({names}{more})"


def _untold(images: pd.DataFrame) -> str:
    nobodys = (cameras(images) == "") & ~_owned(images)
    dated = nobodys & (days(images) != "")
    untold, undated = int(nobodys.sum()), int((nobodys & ~dated).sum())
    if not untold:
        return ""
    if not undated:
        whose = "them" if untold == len(images) else _number(untold, "photo")
        return f"; who took {whose} is unknown: those of one day are one group"
    if untold == undated == len(images):
        return (
            "; who took them is unknown, so photos of one place or day may be on both sides of the "
            "split"
        )
    return (
        f"; of {_number(undated, 'photo')} neither author, camera nor time is known: those that "
        "look unlike count as independent, though one person may have taken them, in one place"
    )


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
