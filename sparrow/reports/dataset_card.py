"""The card of a data set: what is in it, whose it is, what was checked, how it is split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

from sparrow.data.licence_ledger import is_address, licence_url
from sparrow.data.split.class_words import class_lines
from sparrow.data.split.evidence import takers_words
from sparrow.data.split.report import split_verdict
from sparrow.data.tables import UNKNOWN, Dataset, data_version
from sparrow.reports.credits import how_to_find, link, linked_attribution
from sparrow.reports.document import FIGURES, Document, figure_name, picture_line
from sparrow.reports.markdown import Markup, as_markdown, markdown_table
from sparrow.reports.templates import cell

CONTACT_SHEET = f"{FIGURES}/contact-sheet.png"
CHANGES = "modified: made small, boxes drawn in"
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def dataset_card(
    name: str,
    dataset: Dataset,
    split_report: Mapping[str, Any],
    plots: Mapping[str, bytes] = MappingProxyType({}),
    examples: Examples | None = None,
) -> Document:
    """The card with its plots; the same data gives the same text.

    Args:
        name: of the project.
        dataset: checked and split; a set whose checks fail has no card.
        split_report: a ``split.report.SplitReport``.
        plots: of the training photos, PNG by title.
        examples: of them, too; None leaves the part out.
    """
    title, text = f"Data of {name}", _text(name, dataset, split_report)
    shown = "\n".join(picture_line(plot, figure_name(plot)) for plot in plots)
    files = {figure_name(plot): png for plot, png in plots.items()}
    sections = [text, "## Plots of the training photos", shown] if shown else [text]
    if examples is not None:
        sections += ["## Some training photos", *examples.lines()]
        files |= {} if examples.sheet is None else {CONTACT_SHEET: examples.sheet}
    return Document(title, "\n\n".join(sections) + "\n", files)


@dataclass(frozen=True)
class Examples:
    """Photos that a card shows.

    Attributes:
        sheet: their contact sheet, PNG; None where none may be shown.
        photos: their rows of ``Dataset.images``, as on the sheet.
        not_shown: what stands in the sheet's place.
    """

    sheet: bytes | None
    photos: Sequence[Mapping[str, Any]]
    not_shown: str

    def lines(self) -> list[str]:
        """The sheet, and whose each photo is, row by row."""
        if self.sheet is None:
            return [as_markdown(self.not_shown)]
        credits = [linked_attribution(photo, CHANGES) for photo in self.photos]
        listed = "\n".join(f"{number}. {credit}" for number, credit in enumerate(credits, 1))
        return [picture_line("Training photos with their boxes", CONTACT_SHEET), listed]


def _text(name: str, dataset: Dataset, split_report: Mapping[str, Any]) -> str:
    train = dataset.subset("train")
    parts = [
        f"# Data of {as_markdown(name)}",
        _summary(dataset),
        "## What is in it",
        f"Of the {len(train.images):,} training photos; the others must shape no decision.",
        markdown_table(["", "least", "25 %", "median", "75 %", "most"], _spread(train)),
        "## Where the photos came from, and how to find one again",
        markdown_table(["source", "photos", "to find one again"], _sources(dataset)),
        "A photo's row in `image_info.csv` names its author, source and licence. "
        "`sparrow data log` lists the versions of the set, `sparrow data restore VERSION` brings "
        "one back.",
        "## Whose it is",
        "Each photo is its author's, under the licence in its row.",
        licence_summary(dataset),
        "## What was checked",
        "Every rule holds: the tables' columns and values, photos that can be read, boxes inside "
        "their photos, counts that equal the boxes, no photo and no box twice.",
        *_compared(split_report.get("checks", [])),
        "## How it is split",
        as_markdown(split_verdict(split_report)[1]),
        f"What the test scores rest on: {as_markdown(split_report['evidence'])}.",
        *_classes(split_report),
        markdown_table(["", *split_report["splits"]], _shown(side_rows(split_report))),
    ]
    return "\n\n".join(parts) + "\n"


def _classes(split_report: Mapping[str, Any]) -> list[str]:
    """On which sides each class of several is, and what of that is a warning."""
    lines = [f"- {as_markdown(line)}" for line in class_lines(split_report.get("classes", {}))]
    for line in split_report.get("class_warnings", []):
        lines.append(f"- **Warning:** {as_markdown(line)}")
    return ["\n".join(lines)] if lines else []


def _sources(dataset: Dataset) -> list[list[object]]:
    """A row for each source, of addresses for all of them together."""
    sources = dataset.images["source"].astype(str)
    known = sources.mask(sources.map(is_address), "an address of its own")
    counts = known.value_counts()
    first = {name: sources[known == name].iloc[0] for name in counts.index}
    return [[name, f"{n:,}", Markup(how_to_find(first[name]))] for name, n in counts.items()]


def _compared(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each rule on test against training photos, and what of it is accepted only."""
    if not checks:
        return []
    accepted = [outcome for outcome in checks if outcome["status"] == "accepted"]
    words = "Nothing that the checks found had to be accepted."
    if accepted:
        words = "Accepted by the config (`checks.accept`), though it does not hold: " + "; ".join(
            f"{outcome['rule']} ({as_markdown(outcome['observed'])})" for outcome in accepted
        )
    rows = [[row["status"], row["rule"], row["required"], row["observed"]] for row in checks]
    return [
        f"Test photos against training photos: {words}",
        markdown_table(["", "rule", "required", "observed"], rows),
    ]


# Keys of a split report, as they are stored -> what a reader sees.
PRINTED = {"share": "fraction", "kept_their_side": "photos that kept their split"}


def printed(key: str) -> str:
    """The name of a value of a split report, for people."""
    return PRINTED.get(key, key.replace("_", " "))


def side_rows(report: Mapping[str, Any]) -> list[list[Any]]:
    """The table of a split report: a row for each value, its name and then the sides' values."""
    sides = report["splits"]
    names = next(iter(sides.values()))
    return [[printed(name), *(side[name] for side in sides.values())] for name in names]


def _summary(dataset: Dataset) -> str:
    images = dataset.images
    return (
        f"{len(images):,} photos by {takers_words(images)} with "
        f"{len(dataset.boxes):,} boxes ({_names(dataset.boxes['label'])}); "
        f"{(images['n_boxes'] == 0).sum():,} photos show none. Data version "
        f"`{data_version(dataset)}`: the same data has the same version on every machine."
    )


def _names(column: pd.Series[Any]) -> str:
    """The different texts of a column, in order."""
    return ", ".join(as_markdown(text) for text in sorted(map(str, column.unique())))


def licence_summary(dataset: Dataset) -> str:
    """A Markdown table for cards: photos and authors under each licence, most frequent first.

    A known licence is linked to its text.
    """
    known = dataset.images["author"].where(dataset.images["author"] != UNKNOWN)
    by_licence = dataset.images.assign(author=known).groupby("license")["author"]
    images = by_licence.agg(["size", "nunique"])
    images = images.reset_index().sort_values(["size", "license"], ascending=[False, True])
    rows = [
        (link(str(name), licence_url(str(name))), f"{size:,}", f"{authors:,}")
        for name, size, authors in images.to_numpy()
    ]
    return markdown_table(["licence", "photos", "known authors"], rows)


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
    return [f"{values.quantile(quantile):.0f}" for quantile in QUANTILES]


def _shown(rows: list[list[Any]]) -> list[list[object]]:
    return [[cell(value) for value in row] for row in rows]
