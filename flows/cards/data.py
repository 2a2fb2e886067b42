"""What the cards of ``train.py`` show of the data. Each function fills the current step's card."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow import current
from metaflow.cards import Image, Markdown, Table

from sparrow.data.licences import attribution
from sparrow.data.split.report import split_verdict
from sparrow.data.tables import Dataset
from sparrow.reports.dataset_card import licence_summary
from sparrow.reports.markdown import as_markdown

if TYPE_CHECKING:
    from pandas import DataFrame

    from sparrow.data.drift import Comparison
    from sparrow.pipeline.data import IngestOutcome

PAIRS_SHOWN = 4
CANDIDATES_SHOWN = 6


def show_check(report: Any, photos: int, version: str, page: Path) -> None:
    """Verdict of the checks, and every violation in a sentence."""
    verdict = "All checks passed" if report.ok else f"{len(report.errors)} rules are broken"
    current.card.append(Markdown(f"# {verdict}"))
    current.card.append(Markdown(f"{photos} photos · data version `{version}`"))
    _show_violations(report)
    current.card.append(Markdown(f"Every row that was hit, with its photo: `{page}`"))


def show_ingest(outcome: IngestOutcome) -> None:
    """What came in, what the checks and the champion say of it, and how it compares."""
    result = outcome.result
    current.card.append(Markdown("# New data"))
    current.card.append(
        Markdown(
            f"{len(result.accepted)} photos taken in, {len(result.corrected)} corrected, "
            f"{result.skipped_known} known already · data version `{result.data_version}`"
        )
    )
    if result.report is not None:
        _show_violations(result.report)
    if outcome.comparison is not None:
        _show_comparison(outcome.comparison)
    for page in outcome.pages:
        current.card.append(Markdown(f"`{page}`"))


def show_split(
    dataset: Dataset, report: Mapping[str, Any], comparison: Comparison, page: Path
) -> None:
    """Each split, what is guaranteed, the likest pairs across them, and drift between them."""
    current.card.append(Markdown("# Split report"))
    whole, words = split_verdict(report)
    current.card.append(Markdown(words if whole else f"**{words}**"))
    current.card.append(Markdown(f"What the test scores rest on: {report['evidence']}."))
    splits = report["splits"]
    rows = [
        [name.replace("_", " "), *(_text(split[name]) for split in splits.values())]
        for name in next(iter(splits.values()))
    ]
    current.card.append(Table(rows, headers=["", *splits]))
    names = (
        "data_version", "kept_their_side", "seed", "imbalance", "near_duplicate_bits",
        "visit_seconds",
    )  # fmt: skip
    facts = [[name.replace("_", " "), _text(report[name])] for name in names]
    current.card.append(Table(facts, headers=["made from", ""]))
    current.card.append(Markdown("### Training and test photos that look most alike"))
    _show_pairs(dataset, report["closest_pairs"][:PAIRS_SHOWN])
    _show_comparison(comparison)
    current.card.append(Markdown("### Licences"))
    current.card.append(Markdown(licence_summary(dataset)))
    current.card.append(Markdown(f"The whole report: `{page}`"))


def show_label_errors(candidates: DataFrame, photos: Dataset, pages: list[Path]) -> None:
    """The surest label-error candidates, as pictures."""
    from sparrow.reports.label_errors import candidates_picture

    current.card.append(Markdown("### Labels worth a second look"))
    if candidates.empty:
        current.card.append(Markdown("The model strongly disagrees with none of these labels."))
        return
    current.card.append(
        Markdown(
            f"The model strongly disagrees with {len(candidates)} labels here. Either may be "
            "wrong. Amber: boxes of the table; blue: surely found, but no box is there; red: a box "
            f"in which nothing at all was found. All of them: `{pages[0]}`"
        )
    )
    rows = photos.images.set_index("image", drop=False)
    for name in candidates["image"].drop_duplicates().head(CANDIDATES_SHOWN):
        picture = candidates_picture(name, candidates, photos)
        if picture is not None:
            title = attribution(rows.loc[name].to_dict(), "boxes drawn in")
            current.card.append(Image(_png(picture), label=title))


def _show_violations(report: Any) -> None:
    rows = [[one.severity, one.rule, one.sentence, len(one.rows)] for one in report.violations]
    if rows:
        current.card.append(Table(rows, headers=["severity", "rule", "what it means", "rows"]))


def _show_comparison(comparison: Comparison) -> None:
    names = f"{comparison.current.capitalize()} against {comparison.reference}"
    current.card.append(Markdown(f"### {names}: {comparison.verdict}"))
    for problem in comparison.problems:
        current.card.append(Markdown(f"- {as_markdown(problem)}"))
    rows = [
        [one.feature, _text(one.distance), _text(one.p_value), "drifted" if one.drifted else ""]
        for one in comparison.features
    ]
    if rows:
        current.card.append(Markdown("Drift is a difference both large and beyond chance."))
        current.card.append(Table(rows, headers=["feature", "distance", "p", ""]))


def _show_pairs(dataset: Dataset, pairs: list[dict[str, Any]]) -> None:
    from sparrow.reports.html import thumbnail

    photos = dataset.images.set_index("image", drop=False)
    rows = []
    for pair in pairs:
        cells = [Markdown(f"{pair['bits']} of 64 bits differ")]
        for side in ("train", "test"):
            small = thumbnail(dataset.image_path(pair[side]))
            label = attribution(photos.loc[pair[side]].to_dict())
            cells.append(Image(_png(small), label=label) if small else Markdown(as_markdown(label)))
        rows.append(cells)
    current.card.append(Table(rows, headers=["", "train", "test"]))


def _png(picture: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return " · ".join(map(_text, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)
