"""Pages about a data set: the report of its split, and a first look; each one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sparrow.data.checks.outcome import OUTCOME_COLUMNS, RuleOutcome
from sparrow.data.comparison import Comparison, verdict_words
from sparrow.data.licences import (
    attribution,
    licence_counts,
    may_show,
    not_shown_words,
    shown_photos,
)
from sparrow.data.split.class_words import class_lines
from sparrow.data.split.report import split_verdict
from sparrow.data.tables import Dataset
from sparrow.drawing.pictures import encode_jpeg, thumbnail
from sparrow.reports.data_figures import contact_sheet_png, eda_figures, more_figures, sheet_photos
from sparrow.reports.dataset_card import printed, side_rows
from sparrow.reports.templates import render

FACTS = ("data_version", "kept_their_side", "seed", "near_duplicate_bits", "visit_seconds")


def split_report_html(
    report: Mapping[str, Any], dataset: Dataset, licences: Sequence[str] | None = None
) -> str:
    """The split report with its closest train-test pairs side by side.

    Args:
        report: plain values, a ``split.report.SplitReport``.
        dataset: the one that was split; its photos are shown.
        licences: ``data.show_licenses``.
    """
    whole, verdict = split_verdict(report)
    facts = [[printed(name), str(report[name])] for name in FACTS]
    facts.append(["imbalance (0 is perfect)", f"{report['imbalance']:.2g}"])
    return render(
        "split_report.html",
        title="Split report",
        whole=whole,
        verdict=verdict,
        evidence=report["evidence"],
        classes=class_lines(report.get("classes", {})),
        warnings=report.get("class_warnings", []),
        sides=list(report["splits"]),
        side_rows=side_rows(report),
        facts=facts,
        rule_columns=OUTCOME_COLUMNS,
        rules=[RuleOutcome(**outcome).cells() for outcome in report.get("checks", [])],
        pairs=[
            {"bits": pair["bits"], "photos": _pair(pair, dataset, licences)}
            for pair in report["closest_pairs"]
        ],
    )


def comparison_html(comparison: Comparison) -> str:
    """Every rule with what was observed, and every feature, of two sets compared."""
    return render(
        "comparison.html",
        title=comparison.title,
        passes=not comparison.failed,
        verdict=verdict_words(comparison.rules),
        rule_columns=OUTCOME_COLUMNS,
        rules=[outcome.cells() for outcome in comparison.rules],
        broken=[outcome for outcome in comparison.rules if outcome.details],
        features=[
            [f.feature, f.distance, f.p_value, "drifted" if f.drifted else ""]
            for f in comparison.features
        ],
    )


def explore_html(dataset: Dataset, licences: Sequence[str] | None = None) -> str:
    """Figures, licences and a contact sheet of a checked set.

    Args:
        licences: ``data.show_licenses``.
    """
    shown = shown_photos(dataset, licences)
    figures = eda_figures(dataset.images, dataset.boxes)
    figures |= more_figures(dataset.images, dataset.boxes)
    return render(
        "explore.html",
        title="A first look at the data",
        photos=len(dataset.images),
        boxes=len(dataset.boxes),
        figures=figures,
        licences=list(licence_counts(dataset).items()),
        sheet=contact_sheet_png(shown) if len(shown.images) else None,
        not_shown=not_shown_words(licences),
        credits=[attribution(row) for row in sheet_photos(shown).to_dict("records")],
    )


def _pair(
    pair: Mapping[str, Any], dataset: Dataset, licences: Sequence[str] | None
) -> list[tuple[bytes, str]]:
    """The train and the test photo, each a JPEG and its credit.

    A photo that is gone, or may not be shown, is blank.
    """
    photos = dataset.images.set_index("image", drop=False)
    pictures = []
    for side in ("train", "test"):
        name = pair[side]
        allowed = may_show(photos.loc[name, "license"], licences)
        small = thumbnail(dataset.image_path(name)) if allowed else None
        shown = np.full((1, 1, 3), 255, np.uint8) if small is None else small
        changes = "" if allowed else "not shown (data.show_licenses)"
        credit = attribution(photos.loc[name], changes)
        pictures.append((encode_jpeg(shown), f"{side}: {credit}"))
    return pictures
