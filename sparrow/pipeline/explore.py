"""What the exploration step of ``train.py`` does: the data set's card and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparrow.config import Config
from sparrow.data.tables import Dataset
from sparrow.pipeline.cards import write_dataset_card


def explore_data(
    config: Config, dataset: Dataset, split_report: Mapping[str, Any], run_dir: Path
) -> tuple[str, dict[str, bytes]]:
    """Write the dataset card; its Markdown, and PNG pictures of the data by title."""
    from sparrow.reports.data_figures import contact_sheet_png, eda_figures, more_figures

    card = write_dataset_card(config, dataset, split_report, run_dir / "cards")
    tables = dataset.images, dataset.boxes
    sheet = {"Contact sheet": contact_sheet_png(dataset)}
    return card, eda_figures(*tables) | more_figures(*tables) | sheet
