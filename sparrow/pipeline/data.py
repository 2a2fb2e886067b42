"""What the steps of ``train.py`` do with the data: check, take in, compare, certify, doubt.

Each leaves its pages in a folder of the run, ``data/`` beside its checkpoints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sparrow.config import Config
from sparrow.data.checks.label_errors import label_error_candidates, label_error_violation
from sparrow.data.checks.run import CheckedDataset, check_dataset, table_names
from sparrow.data.ingest.batch import NEW_PREFIX
from sparrow.data.ingest.changes import changes
from sparrow.data.ingest.ingest import IngestResult, ingest_new
from sparrow.data.tables import Dataset, data_version
from sparrow.detections import Detections
from sparrow.progress import Progress
from sparrow.reports.checks import write_report

if TYPE_CHECKING:
    from sparrow.data.drift import Comparison
    from sparrow.data.split.split import SplitResult


@dataclass(frozen=True, eq=False)
class IngestOutcome:
    """The raw set after the intake, what came in, and how it looks beside what was there.

    Attributes:
        dataset: the raw set now.
        result: of ``ingest_new``; its report also holds what the champion doubts.
        comparison: of the new photos with the old; None where nothing came in.
        pages: what was written about it.
    """

    dataset: Dataset
    result: IngestResult
    comparison: Comparison | None
    pages: tuple[Path, ...]

    def lines(self) -> list[str]:
        """How many photos are new, how they compare, what the set is now, and the pages."""
        result = self.result
        return [
            f"{len(result.accepted)} new photos, {len(result.corrected)} corrected, "
            f"{result.skipped_known} known already",
            *([self.comparison.summary()] if self.comparison is not None else []),
            f"data version {result.data_version}: {len(self.dataset.images)} photos, "
            f"{len(self.dataset.boxes)} boxes",
            *map(str, self.pages),
        ]


def check_raw(config: Config, folder: Path, progress: Progress) -> tuple[CheckedDataset, Path]:
    """Check ``data.root``; also the page with the rows that failed."""
    root = Path(config.data.root)
    checked = check_dataset(root, config.data, progress=progress)
    return checked, write_report(checked.report, root, folder / "raw")


def take_in(config: Config, before: Dataset, folder: Path, progress: Progress) -> IngestOutcome:
    """Check ``data.new`` and merge it; compare it with the raw set, and ask the champion.

    Args:
        before: the raw set, checked.

    Raises:
        DataError: the new data fails its checks (see ``ingest_new``).
    """
    root = Path(config.data.root)
    result = ingest_new(config.data, progress, write_report)
    # Not "was anything accepted?": a step killed after its intake finds nothing new when resumed.
    if result.data_version == data_version(before):
        return IngestOutcome(before, result, None, ())
    after = check_dataset(root, config.data).dataset
    changed, place = changes(before, after), folder / "new"
    came = photos_named(after, (*changed.added, *changed.corrected))
    review, pages = ask_champion(config, came, place)
    if result.report is not None:
        found = label_error_violation(review, table_names(NEW_PREFIX)[1])
        report = result.report.extended(found)
        result = replace(result, report=report)
        pages.insert(0, write_report(report, root, place))
    comparison = None
    if changed.added:
        from sparrow.data.drift import compare_new_with_raw

        added = photos_named(after, changed.added)
        comparison = compare_new_with_raw(before, added, config.data.near_duplicate_bits)
        pages += write_comparison(comparison, place)
    return IngestOutcome(after, result, comparison, tuple(pages))


def certify(config: Config, result: SplitResult, folder: Path) -> tuple[Comparison, Path]:
    """The split's certificate as a page and as JSON, and the test side compared with training."""
    from sparrow.reports.data_pages import split_report_html

    place = folder / "split"
    place.mkdir(parents=True, exist_ok=True)
    page = place / "certificate.html"
    page.write_text(split_report_html(result.certificate, result.dataset), encoding="utf-8")
    text = json.dumps(result.certificate, indent=1)
    (place / "certificate.json").write_text(text, encoding="utf-8")
    from sparrow.data.drift import compare_train_with_test

    bits = config.data.near_duplicate_bits
    comparison = compare_train_with_test(result.dataset, bits, config.split)
    write_comparison(comparison, place)
    return comparison, page


def ask_champion(config: Config, photos: Dataset, folder: Path) -> tuple[pd.DataFrame, list[Path]]:
    """Labels the champion doubts, and their page; none without a champion of the same classes."""
    from sparrow.inference.engine import Engine, detect_files
    from sparrow.inference.model_folder import read_info

    champion = Path(config.stores.champion)
    found: Mapping[str, Detections] = {}
    if champion.exists() and set(read_info(champion).class_names) == set(config.data.classes):
        files = [(name, photos.image_path(name)) for name in photos.images["image"]]
        found = detect_files(Engine(champion, config.training.threads), files)
    return doubt(config, photos, found, "The champion", folder)


def doubt(
    config: Config, photos: Dataset, found: Mapping[str, Detections], model: str, folder: Path
) -> tuple[pd.DataFrame, list[Path]]:
    """The review list of some photos, and the page of it where there is anything to review."""
    from sparrow.reports.label_errors import label_errors_html

    review = label_error_candidates(photos, found, config.data.label_error_score)
    if review.empty:
        return review, []
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "review.html"
    page.write_text(label_errors_html(review, photos, model), encoding="utf-8")
    review.to_json(folder / "review.json", orient="records", indent=1)
    return review, [page]


def write_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """The verdict as JSON and Evidently's pages; the paths of the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = asdict(comparison)
    pages = []
    for title, text in values.pop("html").items():
        pages.append(folder / f"drift_{title}.html")
        pages[-1].write_text(text, encoding="utf-8")
    (folder / "drift.json").write_text(json.dumps(values, indent=1), encoding="utf-8")
    return pages


def photos_named(dataset: Dataset, names: tuple[str, ...]) -> Dataset:
    """Some photos of a set, and their boxes."""
    images = dataset.images[dataset.images["image"].isin(names)].reset_index(drop=True)
    boxes = dataset.boxes[dataset.boxes["image"].isin(names)].reset_index(drop=True)
    return Dataset(dataset.root, images, boxes)
