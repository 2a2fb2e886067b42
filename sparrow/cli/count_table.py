"""Keeps a table of counts from being overwritten by one that lacks some of its photos."""

from __future__ import annotations

import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any

from sparrow.plain_text import one_line, utf8
from sparrow.regular_file import open_regular
from sparrow.spreadsheet import from_cell


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
    remedy = "; choose another --to, or move the file away"
    names = _names_in(to)
    if names is None:
        raise ValueError(
            f"--to {to}: the file is there already and is no table of sparrow count{remedy}"
        )
    others = _not_among(names, files)
    if others:
        raise ValueError(
            f"--to {to}: the file holds the counts of {len(names)} photos, of which {len(others)} "
            f"are not among the {len(files)} to be counted now, such as {one_line(others[0])}; it "
            f"would be overwritten{remedy}"
        )


def _names_in(table: Path) -> list[str] | None:
    """File names of the photos in a table, as it was written; None where it is none."""
    kind = table.suffix.lower()
    try:
        if kind == ".parquet":
            import pandas as pd

            return [str(name) for name in pd.read_parquet(table, columns=["file"])["file"]]
        with open_regular(table) as file:
            text = file.read().decode("utf-8-sig")
        return _names_in_csv(text) if kind == ".csv" else _names_in_json(json.loads(text))
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(table)) from error
    except (ValueError, KeyError, TypeError, csv.Error):  # no text, no JSON, other columns
        return None


def _names_in_csv(text: str) -> list[str] | None:
    rows = csv.DictReader(text.splitlines(keepends=True))
    if not {"file", "count"} <= set(rows.fieldnames or ()):
        return None
    return [from_cell(row["file"]) for row in rows]


def _names_in_json(content: Any) -> list[str]:
    """Of Sparrow's own JSON and of MegaDetector's; whatever else it is raises."""
    photos = content["photos"] if "photos" in content else content["images"]
    return [str(photo["file"]) for photo in photos]


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
