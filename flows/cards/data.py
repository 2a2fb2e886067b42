"""What the cards of ``train.py`` show of the data. Each function fills the current step's card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cards.parts import Part, add, glossary, picture, table, text
from sparrow.config import Config
from sparrow.data.checks.outcome import OUTCOME_COLUMNS
from sparrow.data.comparison import verdict_words
from sparrow.data.licences import attribution, may_show, not_shown_words, shown_photos
from sparrow.data.split.class_words import class_lines
from sparrow.data.split.report import split_verdict
from sparrow.data.tables import Dataset
from sparrow.reports.dataset_card import licence_summary, side_rows
from sparrow.reports.markdown import as_markdown

if TYPE_CHECKING:
    from pandas import DataFrame

    from sparrow.data.checks.report import CheckReport
    from sparrow.data.comparison import Comparison
    from sparrow.pipeline.assess import Assessment
    from sparrow.pipeline.data import IngestOutcome
    from sparrow.pipeline.split import SplitOutcome

PAIRS_SHOWN = 4
CANDIDATES_SHOWN = 6
DETAILS_SHOWN = 20
FACTS = (
    "data_version", "kept_their_side", "seed", "imbalance", "near_duplicate_bits", "visit_seconds",
)  # fmt: skip
DIGITS = 3


def show_check(report: CheckReport, photos: int, version: str, page: Path) -> None:
    """Verdict of the checks, and every rule with what was observed."""
    verdict = "All checks passed" if report.ok else f"{len(report.errors)} rules are broken"
    add(text(f"# {verdict}"), text(f"{photos} photos · data version `{version}`"))
    _show_rules(report)
    add(text(f"Every row that broke a rule, with its photo: `{page}`"))


def show_ingest(ingest: IngestOutcome) -> None:
    """What was taken in, what the checks and the champion say of it, and how it compares."""
    result = ingest.result
    first, *more = result.words()
    words = [f"{first} · data version `{result.data_version}`", *more]
    add(text("# New data"), *map(text, words))
    if result.report is not None:
        _show_rules(result.report)
    if ingest.comparison is not None:
        _show_comparison(ingest.comparison)
    add(*(text(f"`{page}`") for page in ingest.pages), glossary())


def show_split(
    config: Config, dataset: Dataset, report: Mapping[str, Any], outcome: SplitOutcome
) -> None:
    """Each split, what is guaranteed, the likest pairs across them, and drift between them.

    Args:
        config: says which photos may be shown.
        report: of the split, plain values.
        outcome: of the step.
    """
    whole, verdict = split_verdict(report)
    facts = [[name.replace("_", " "), report[name]] for name in FACTS]
    add(
        text("# Split report"),
        text(verdict if whole else f"**{verdict}**"),
        text(f"What the test scores rest on: {report['evidence']}."),
        *(text(f"- {line}") for line in class_lines(report.get("classes", {}))),
        *(text(f"**Warning: {line}**") for line in report.get("class_warnings", [])),
        table(["", *report["splits"]], side_rows(report), DIGITS),
        table(["made from", ""], facts, DIGITS),
        text("### Training and test photos that look most alike"),
        table(["", "train", "test"], _pairs(config, dataset, report["closest_pairs"])),
    )
    _show_comparison(outcome.comparison)
    licences = text(licence_summary(dataset))
    add(text("### Licences"), licences, text(f"The whole report: `{outcome.page}`"), glossary())


def show_label_errors(config: Config, assessment: Assessment, photos: Dataset) -> None:
    """The surest label-error candidates, as pictures: the end of the evaluation's card.

    Args:
        config: says which photos may be shown.
        assessment: names the candidates and their pages.
        photos: that they are in.
    """
    candidates, licences = assessment.label_errors, config.data.show_licenses
    add(text("### Labels worth a second look"))
    if candidates.empty:
        add(text("The model strongly disagrees with none of these labels."), glossary())
        return
    add(
        text(
            f"The model strongly disagrees with {len(candidates)} labels here. Either may be "
            "wrong. Amber: boxes of the table; blue: surely detected, but no box is there; red: a "
            "box in which nothing at all was detected. All of them: "
            f"`{assessment.label_error_pages[0]}`"
        ),
        *(
            _candidate_pictures(candidates, shown_photos(photos, licences))
            or [text(not_shown_words(licences))]
        ),
        glossary(),
    )


def _candidate_pictures(candidates: DataFrame, photos: Dataset) -> list[Part]:
    from sparrow.drawing.pictures import encode_png
    from sparrow.reports.label_errors import candidates_picture

    rows, shown = photos.images.set_index("image", drop=False), []
    names = candidates["image"].drop_duplicates()
    for name in names[names.isin(rows.index)].head(CANDIDATES_SHOWN):
        pixels = candidates_picture(name, candidates, photos)
        if pixels is not None:
            credit = attribution(rows.loc[name].to_dict(), "boxes drawn in")
            shown.append(picture(encode_png(pixels), credit))
    return shown


def _show_rules(report: CheckReport) -> None:
    """Every rule with what was observed, broken ones first."""
    add(table(OUTCOME_COLUMNS, [outcome.cells() for outcome in report.outcomes]))


def _show_comparison(comparison: Comparison) -> None:
    add(
        text(f"### {comparison.title}: {verdict_words(comparison.rules)}"),
        table(OUTCOME_COLUMNS, [outcome.cells() for outcome in comparison.rules]),
    )
    details = [(rule.rule, detail) for rule in comparison.rules for detail in rule.details]
    add(*(text(f"- {rule}: {as_markdown(detail)}") for rule, detail in details[:DETAILS_SHOWN]))
    rows = [
        [feature.feature, feature.distance, feature.p_value, "drifted" if feature.drifted else ""]
        for feature in comparison.features
    ]
    if rows:
        add(
            text("Drift is a difference both beyond the limit and beyond chance."),
            table(["feature", "distance", "p", ""], rows, DIGITS),
        )


def _pairs(
    config: Config, dataset: Dataset, pairs: Sequence[Mapping[str, Any]]
) -> list[list[Part]]:
    """A row for each pair: in how many bits it differs, the train photo, the test photo."""
    from sparrow.drawing.pictures import encode_png, thumbnail

    photos = dataset.images.set_index("image", drop=False)
    rows = []
    for pair in pairs[:PAIRS_SHOWN]:
        cells = [text(f"{pair['bits']} of 64 bits differ")]
        for side in ("train", "test"):
            row = photos.loc[pair[side]].to_dict()
            allowed = may_show(row["license"], config.data.show_licenses)
            small = thumbnail(dataset.image_path(pair[side])) if allowed else None
            credit = attribution(row, "" if allowed else "not shown (data.show_licenses)")
            cells.append(
                text(as_markdown(credit)) if small is None else picture(encode_png(small), credit)
            )
        rows.append(cells)
    return rows
