"""What the steps of ``train.py`` do with the data: check, ingest, compare, report.

Each leaves its pages in a folder of the run, ``data/`` beside its checkpoints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sparrow.config import Config
from sparrow.data.checks.label_errors import (
    LABEL_ERROR,
    label_error_candidates,
    label_error_violation,
)
from sparrow.data.checks.report import CheckReport, ReportWriter
from sparrow.data.checks.run import CheckedDataset, check_dataset, table_names
from sparrow.data.ingest.batch import NEW_PREFIX
from sparrow.data.ingest.changes import Changes, changes
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.ingest.result import IngestResult
from sparrow.data.tables import Dataset, data_version
from sparrow.detections import Detections
from sparrow.pipeline.shared_state import fetch_champion
from sparrow.progress import Progress
from sparrow.reports.checks import write_report

if TYPE_CHECKING:
    from sparrow.data.comparison import Comparison
    from sparrow.data.split.split import SplitResult


@dataclass(frozen=True, eq=False)
class IngestOutcome:
    """The raw set after ingest, what is new in it, and how that compares with what was there.

    Attributes:
        dataset: the raw set now.
        result: of ``ingest_new``; its report also holds the label-error candidates.
        comparison: of the new photos with the old; None where nothing is new.
        pages: what was written about it.
    """

    dataset: Dataset
    result: IngestResult
    comparison: Comparison | None
    pages: Sequence[Path]

    def lines(self) -> list[str]:
        """How many photos are new, how they compare, what the set is now, and the pages."""
        result = self.result
        return [
            *result.words(),
            *([self.comparison.summary()] if self.comparison is not None else []),
            f"data version {result.data_version}: {len(self.dataset.images)} photos, "
            f"{len(self.dataset.boxes)} boxes",
            *map(str, self.pages),
        ]


def check_raw(config: Config, folder: Path, progress: Progress) -> tuple[CheckedDataset, Path]:
    """Check ``data.root``; also the page with the rows that failed."""
    root = Path(config.data.root)
    checked = check_dataset(root, config.data, progress=progress)
    return checked, _report_writer(config)(checked.report, root, folder / "raw", "")


def ingest_and_compare(
    config: Config, before: Dataset, folder: Path, progress: Progress
) -> IngestOutcome:
    """Check ``data.new``, compare it with the raw set, merge it; ask the champion about it.

    Args:
        before: the raw set, checked.

    Raises:
        DataError: the new data fails its checks (see ``ingest_new``), or differs from the raw set
            in a way that the config does not accept; the raw set is then as it was.
    """
    place = folder / "new"
    compared: list[tuple[Comparison, list[Path]]] = []

    def compare(raw: Dataset, new: Dataset) -> None:
        compared.append(_compare_new(config, raw, new, place))
        compared[0][0].raise_for_violations()

    result = ingest_new(config.data, progress, _report_writer(config), compare)
    # Not "was anything accepted?": a step killed after its ingest finds nothing new when resumed.
    if result.data_version == data_version(before):
        return IngestOutcome(before, result, *(compared[0] if compared else (None, [])))
    after = check_dataset(Path(config.data.root), config.data).dataset
    changed = changes(before, after)
    report, pages = _review_new(config, after, changed, result.report, place)
    if not compared and changed.added:
        compared.append(_compare_new(config, before, photos_named(after, changed.added), place))
    comparison, more = compared[0] if compared else (None, [])
    return IngestOutcome(after, replace(result, report=report), comparison, [*pages, *more])


def _compare_new(
    config: Config, raw: Dataset, new: Dataset, folder: Path
) -> tuple[Comparison, list[Path]]:
    from sparrow.data.drift import compare_new_with_raw

    comparison = compare_new_with_raw(raw, new, config)
    return comparison, write_comparison(comparison, folder)


def _review_new(
    config: Config, after: Dataset, changed: Changes, report: CheckReport | None, folder: Path
) -> tuple[CheckReport | None, list[Path]]:
    """The report on new photos with what the champion disagrees with, and the pages of both."""
    new = photos_named(after, (*changed.added, *changed.corrected))
    if config.stores.state is not None:
        fetch_champion(config)
    candidates, pages = ask_champion(config, new, folder)
    if report is None:
        return None, pages
    if is_champion_asked(config):
        violation = label_error_violation(candidates, table_names(NEW_PREFIX)[1])
        report = report.extended(LABEL_ERROR, f"{len(new.images):,} photos", violation)
    page = _report_writer(config)(report, Path(config.data.root), folder, "")
    return report, [page, *pages]


def _report_writer(config: Config) -> ReportWriter:
    """Writes reports that show what the config allows."""
    return partial(write_report, licences=config.data.show_licenses)


def write_split_report(
    config: Config, result: SplitResult, folder: Path
) -> tuple[SplitResult, Comparison, Path]:
    """The split report as a page and as JSON, with test and training photos compared in it."""
    from sparrow.reports.data_pages import split_report_html

    place = folder / "split"
    place.mkdir(parents=True, exist_ok=True)
    result, comparison = compare_splits(config, result)
    page = place / "split-report.html"
    licences = config.data.show_licenses
    page.write_text(split_report_html(result.report, result.dataset, licences), encoding="utf-8")
    text = json.dumps(result.report, indent=1)
    page.with_suffix(".json").write_text(text, encoding="utf-8")
    write_comparison(comparison, place)
    return result, comparison, page


def compare_splits(config: Config, result: SplitResult) -> tuple[SplitResult, Comparison]:
    """Test photos compared with training photos; the split with each rule in its report."""
    from sparrow.data.drift import compare_train_with_test

    parted = result.report.get("authors_parted_by_day", False)
    comparison = compare_train_with_test(result.dataset, config, authors_parted=parted)
    checks = [outcome.to_json() for outcome in comparison.rules]
    return replace(result, report={**result.report, "checks": checks}), comparison


def is_champion_asked(config: Config) -> bool:
    """Whether there is a champion, of the classes of this config."""
    from sparrow.inference.model_folder import read_info

    champion = Path(config.stores.champion)
    return champion.exists() and set(read_info(champion).class_names) == set(config.data.classes)


def ask_champion(config: Config, photos: Dataset, folder: Path) -> tuple[pd.DataFrame, list[Path]]:
    """Label-error candidates by the champion, and their page; none without one of these classes."""
    from sparrow.inference.engine import Engine, detect_files

    champion = Path(config.stores.champion)
    detections: Mapping[str, Detections] = {}
    if is_champion_asked(config):
        files = [(name, photos.image_path(name)) for name in photos.images["image"]]
        detections = detect_files(Engine(champion, config.training.threads), files)
    return write_label_errors(config, photos, detections, "The champion", folder)


def write_label_errors(
    config: Config, photos: Dataset, detections: Mapping[str, Detections], model: str, folder: Path
) -> tuple[pd.DataFrame, list[Path]]:
    """The label-error candidates of some photos, and their page where there are any.

    Args:
        detections: of the photos, by name.
        model: whose detections they are, in words.
        folder: of ``review.html`` and ``review.json``.
    """
    from sparrow.reports.label_errors import label_errors_html

    candidates = label_error_candidates(photos, detections, config.data.label_error_score)
    if candidates.empty:
        return candidates, []
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "review.html"
    text = label_errors_html(candidates, photos, model, config.data.show_licenses)
    page.write_text(text, encoding="utf-8")
    candidates.to_json(folder / "review.json", orient="records", indent=1)
    return candidates, [page]


def write_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Every rule and feature as a page and as JSON, and Evidently's pages; the pages' paths."""
    from sparrow.data.feature_drift import evidently_pages
    from sparrow.reports.data_pages import comparison_html

    folder.mkdir(parents=True, exist_ok=True)
    values = comparison.to_json()
    pages = {"comparison.html": comparison_html(comparison)}
    drift = evidently_pages(comparison.tables, comparison.checks.max_drift)
    pages |= {f"drift_{title}.html": text for title, text in drift.items()}
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "drift.json").write_text(json.dumps(values, indent=1), encoding="utf-8")
    return [folder / name for name in pages]


def photos_named(dataset: Dataset, names: tuple[str, ...]) -> Dataset:
    """Some photos of a set, and their boxes."""
    return dataset.having(dataset.images["image"].isin(names))
