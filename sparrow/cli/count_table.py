"""Keeps a table of counts from being overwritten by one that lacks some of its photos."""

from __future__ import annotations

import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from sparrow.plain_text import one_line, utf8
from sparrow.regular_file import open_regular, sha256_of
from sparrow.spreadsheet import from_cell

SAMPLE = 20  # photos whose content is compared with what a table noted


class _Row(NamedTuple):
    """A photo of a table; tables of earlier releases do not have its SHA-256."""

    name: str
    sha256: str | None


def refuse_other_table(to: Path, files: Sequence[Path]) -> None:
    """Refuse to overwrite what is not an earlier count of the same photos or of some of them.

    Args:
        to: the table that is about to be written.
        files: the photos that will be in it.

    Raises:
        ValueError: it is no table of ``sparrow count``, or it holds a photo that is not among
            the files; the message names both and what to do.
    """
    if not to.exists() or to.stat().st_size == 0:
        return
    reason = _why_not(_rows_in(to), files)
    if reason is not None:
        raise ValueError(f"--to {to}: {reason}; choose another --to, or move the file away")


def _why_not(rows: Sequence[_Row] | None, files: Sequence[Path]) -> str | None:
    """Why a table with these rows must stay; None where it may be overwritten."""
    if rows is None:
        return "the file is there already and is no table of sparrow count"
    names = [row.name for row in rows]
    others = _not_among(names, files)
    if others:
        return (
            f"the file holds the counts of {len(names)} photos, of which {len(others)} are not "
            f"among the {len(files)} to be counted now, such as {one_line(others[0])}; it would be "
            "overwritten"
        )
    if _holds_others_of_the_same_names(rows, files):
        return (
            f"the file holds the counts of {len(names)} other photos with the same names, such as "
            f"{one_line(names[0])}; it would be overwritten"
        )
    return None


def _holds_others_of_the_same_names(rows: Sequence[_Row], files: Sequence[Path]) -> bool:
    """Whether none of some photos has the content that the table noted for its name.

    Cameras number their photos anew: names below a folder alone do not tell two cards apart.
    """
    by_name: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        by_name[file.name].append(file)
    compared = 0
    for row in rows:
        if not row.sha256:
            continue
        for file in by_name[PurePath(row.name).name]:
            try:
                if sha256_of(file) == row.sha256:
                    return False
            except OSError:
                continue
            compared += 1
        if compared >= SAMPLE:
            break
    return compared > 0


def _rows_in(table: Path) -> list[_Row] | None:
    """The photos in a table, as it was written; None where it is none."""
    kind = table.suffix.lower()
    try:
        if kind == ".parquet":
            import pandas as pd

            content = pd.read_parquet(table)
            noted = content["sha256"] if "sha256" in content else [None] * len(content)
            return [_Row(str(n), s or None) for n, s in zip(content["file"], noted, strict=True)]
        with open_regular(table) as file:
            text = file.read().decode("utf-8-sig")
        return _rows_in_csv(text) if kind == ".csv" else _rows_in_json(json.loads(text))
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(table)) from error
    except (ValueError, KeyError, TypeError, csv.Error):  # no text, no JSON, other columns
        return None


def _rows_in_csv(text: str) -> list[_Row] | None:
    rows = csv.DictReader(text.splitlines(keepends=True))
    if not {"file", "count"} <= set(rows.fieldnames or ()):
        return None
    return [_Row(from_cell(row["file"]), row.get("sha256") or None) for row in rows]


def _rows_in_json(content: Any) -> list[_Row]:
    """Of Sparrow's own JSON and of MegaDetector's; whatever else it is raises."""
    photos = content["photos"] if "photos" in content else content["images"]
    return [_Row(str(photo["file"]), photo.get("sha256")) for photo in photos]


def _not_among(names: Iterable[str], files: Sequence[Path]) -> list[str]:
    """Names that are none of the files, nor from another working folder may be one of them."""
    ours = {utf8(str(file)) for file in files}
    real = {utf8(os.path.realpath(file)) for file in files}
    by_name: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for name in ours | real:
        by_name[PurePath(name).name].append(PurePath(name).parts)

    def may_be_ours(name: str) -> bool:
        if name in ours or utf8(os.path.realpath(name)) in real:
            return True
        parts = tuple(part for part in PurePath(name).parts if part != "..")
        return any(_ends_with(own, parts) for own in by_name[PurePath(name).name])

    return [name for name in names if not may_be_ours(name)]


def _ends_with(path: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether the shorter path is the end of the longer one."""
    n = min(len(path), len(other))
    return path[-n:] == other[-n:]
