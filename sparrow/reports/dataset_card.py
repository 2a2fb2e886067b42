"""The card of a data set: what is in it, whose it is, what was checked, how it is split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sparrow.data.split.evidence import known_authors
from sparrow.data.split.report import split_verdict
from sparrow.data.tables import Dataset, data_version
from sparrow.reports.markdown import as_markdown, markdown_table

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def dataset_card(name: str, dataset: Dataset, report: Mapping[str, Any]) -> str:
    """The card as Markdown; the same data gives the same text.

    Args:
        name: of the project.
        dataset: checked and split; a set whose checks fail has no card.
        report: of its split (``split.report_split``).
    """
    images, boxes = dataset.images, dataset.boxes
    labels, sources = (
        ", ".join(as_markdown(text) for text in sorted(map(str, column.unique())))
        for column in (boxes["label"], images["source"])
    )
    parts = [
        f"# Data of {as_markdown(name)}",
        f"{len(images):,} photos of {len(known_authors(images)):,} authors with {len(boxes):,} "
        f"boxes ({labels}); "
        f"{(images['n_boxes'] == 0).sum():,} photos show none. Data version "
        f"`{data_version(dataset)}`: the same data has the same version on every machine.",
        "## What is in it",
        markdown_table(["", "least", "25 %", "median", "75 %", "most"], _spread(dataset)),
        "## Whose it is",
        f"Each photo is its author's, under the licence it stands. Sources: {sources}.",
        licence_summary(dataset),
        "## What was checked",
        "Every rule of the data room holds: the tables' columns and values, photos that can be "
        "read, boxes inside their photos, counts that equal the boxes, no photo and no box twice.",
        "## How it is split",
        as_markdown(split_verdict(report)[1]),
        f"What the test scores rest on: {as_markdown(report['evidence'])}.",
        _splits(report),
    ]
    return "\n\n".join(parts) + "\n"


def licence_summary(dataset: Dataset) -> str:
    """A Markdown table for cards: photos and authors under each licence, most frequent first."""
    images = dataset.images.groupby("license")["author"].agg(["size", "nunique"])
    images = images.reset_index().sort_values(["size", "license"], ascending=[False, True])
    rows = [(name, f"{size:,}", f"{authors:,}") for name, size, authors in images.to_numpy()]
    return markdown_table(["licence", "photos", "authors"], rows)


def _spread(dataset: Dataset) -> list[list[str]]:
    images, boxes = dataset.images, dataset.boxes
    columns = {
        "boxes per photo": images["n_boxes"],
        "photo width, px": images["width_px"],
        "photo height, px": images["height_px"],
        "box width, px": boxes["x_max_px"] - boxes["x_min_px"],
        "box height, px": boxes["y_max_px"] - boxes["y_min_px"],
    }
    return [[name, *_quantiles(values)] for name, values in columns.items()]


def _quantiles(values: pd.Series[Any]) -> list[str]:
    if values.empty:
        return ["–"] * len(QUANTILES)
    return [f"{values.quantile(share):.0f}" for share in QUANTILES]


def _splits(report: Mapping[str, Any]) -> str:
    splits = report["splits"]
    names = next(iter(splits.values()))
    rows = [[name.replace("_", " "), *(_text(split[name]) for split in splits.values())]
            for name in names]  # fmt: skip
    return markdown_table(["", *splits], rows)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)
