"""What the split step of ``train.py`` does: assignments that stay while the set grows; a report;
tables for other programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.config import Config
from sparrow.data.split.assignments import load_assignments, save_assignments
from sparrow.data.split.class_words import class_lines
from sparrow.data.split.prepared_tables import TablesOwner, write_prepared_tables
from sparrow.data.split.split import SplitResult, split_dataset
from sparrow.data.split.tables import split_tables
from sparrow.data.tables import Dataset, data_version
from sparrow.pipeline.data import write_split_report

if TYPE_CHECKING:
    from sparrow.data.comparison import Comparison


@dataclass(frozen=True, eq=False)
class SplitOutcome:
    """The split set, how test and training photos compare, and the report's page."""

    result: SplitResult
    comparison: Comparison
    page: Path

    def lines(self) -> list[str]:
        """Photos of each split, the comparison, and where the report is."""
        counts = self.result.dataset.images["split"].value_counts().to_string()
        report = self.result.report
        classes = class_lines(report["classes"])
        classes += [f"warning: {line}" for line in report["class_warnings"]]
        return [counts, *classes, self.comparison.summary(), f"split report: {self.page}"]

    def keep(self, config: Config) -> list[str]:
        """Save the assignments, so that photos stay in their splits, and the split's tables.

        The tables are for programs that read those of the house-sparrow data set.

        Returns:
            Lines about the tables.

        Raises:
            DataError: test and training photos do not pass their checks. Nothing is saved then:
                the next split is free to be another one.
        """
        self.comparison.raise_for_violations()
        dataset = self.result.dataset
        save_assignments(dataset)
        owner = TablesOwner(config.name, config.data.root, data_version(dataset))
        return write_prepared_tables(Path(config.data.prepared), split_tables(dataset), owner)


def split_photos(config: Config, dataset: Dataset, folder: Path) -> SplitOutcome:
    """Split a set; photos that were assigned before stay where they are.

    Args:
        folder: of the run's pages about its data.
    """
    result = split_as_run(config, dataset)
    return SplitOutcome(*write_split_report(config, result, folder))


def split_as_run(config: Config, dataset: Dataset) -> SplitResult:
    """A checked set, split as a training run of this config splits it; nothing is saved.

    Raises:
        DataError: it cannot be split (see ``split_dataset``).
    """
    bits = config.data.near_duplicate_bits
    assignments = load_assignments(dataset.root)
    return split_dataset(dataset, config.split, bits, config.seed, assignments)
