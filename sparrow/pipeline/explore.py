"""What the exploration step of ``train.py`` does: the data set's card and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.config import Config
from sparrow.data.licences import not_shown_words, shown_photos
from sparrow.data.tables import Dataset
from sparrow.drawing.attempt import attempt_drawing
from sparrow.pipeline.cards import CARDS, DATASET_CARD

if TYPE_CHECKING:
    from sparrow.reports.document import Document


def explore_data(
    config: Config, dataset: Dataset, split_report: Mapping[str, Any], run_dir: Path
) -> tuple[Document, dict[str, bytes]]:
    """Write the dataset card, its plots beside it; of training photos alone.

    Validation and test photos must not shape what anybody decides after looking at the plots.

    Returns:
        The card, and the plots: PNG by title.
    """
    from sparrow.reports.data_figures import (
        contact_sheet_png,
        eda_figures,
        more_figures,
        sheet_photos,
    )
    from sparrow.reports.dataset_card import Examples, dataset_card

    train, licences = dataset.subset("train"), config.data.show_licenses
    tables, shown = (train.images, train.boxes), shown_photos(train, licences)
    examples = Examples(
        contact_sheet_png(shown) if len(shown.images) else None,
        [{str(k): v for k, v in row.items()} for row in sheet_photos(shown).to_dict("records")],
        not_shown_words(licences),
    )
    plots = (
        attempt_drawing("plots of the data", lambda: eda_figures(*tables) | more_figures(*tables))
        or {}
    )
    card = dataset_card(config.name, dataset, split_report, plots, examples)
    card.write(run_dir / CARDS, DATASET_CARD)
    return card, plots
