"""The cards that are kept, of the data and of the model, and the run's page in MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.config import Config
from sparrow.data.tables import Dataset
from sparrow.inference.model_folder import CARD, CARD_PAGE, engine_mb, read_info, write_info
from sparrow.pipeline.trained_folder import MODEL

if TYPE_CHECKING:
    from sparrow.evaluation.scored import Scored
    from sparrow.pipeline.train import Trained


def write_dataset_card(
    config: Config, dataset: Dataset, report: Mapping[str, Any], folder: Path
) -> str:
    """The dataset card, as ``dataset-card.md`` and ``.html`` in a folder; its Markdown."""
    from sparrow.reports.dataset_card import dataset_card
    from sparrow.reports.markdown import markdown_page

    text = dataset_card(config.name, dataset, report)
    page = markdown_page(f"Data of {config.name}", text, {})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset-card.md").write_text(text, encoding="utf-8")
    (folder / "dataset-card.html").write_text(page, encoding="utf-8")
    return text


def write_model_card(
    config: Config, dataset: Dataset, scored: Scored, folder: Path, pictures: Mapping[str, bytes]
) -> str:
    """The model card, as ``card.md`` and ``card.html`` of the model folder; its Markdown.

    The folder's hashes are renewed: nothing may be written into it afterwards.
    """
    from sparrow.reports.markdown import markdown_page
    from sparrow.reports.model_card import CardFacts, model_card

    info = read_info(folder)
    facts = CardFacts(
        info=info,
        evaluation=scored.evaluation,
        count_check=scored.count_check,
        latency_ms=scored.latency_ms,
        at_once=scored.at_once,
        engine_mb=engine_mb(folder),
        dataset=dataset,
    )
    text = model_card(facts)
    page = markdown_page(f"Model card: {info.name}", text, pictures)
    (folder / CARD).write_text(text, encoding="utf-8")
    (folder / CARD_PAGE).write_text(page, encoding="utf-8")
    write_info(folder, info)
    return text


def log_evaluation(
    config: Config, trained: Trained, scored: Scored, pictures: Mapping[str, bytes], run_dir: Path
) -> None:
    """Scores, figures and both cards into the MLflow run that trained the model.

    Args:
        run_dir: of the run; holds the model folder and the dataset card.
    """
    from sparrow.registry.tracking import log_files, log_numbers, log_pictures, make_client

    client, evaluation = make_client(config.stores), scored.evaluation
    numbers = {name: number.value for name, number in evaluation.headline.items()}
    numbers |= {**evaluation.details, "latency_ms": scored.latency_ms}
    numbers["threshold"] = evaluation.threshold
    run_id, folder = trained.mlflow_run_id, run_dir / MODEL
    log_numbers(client, run_id, {f"test_{name}": value for name, value in numbers.items()})
    log_pictures(client, run_id, pictures)
    files = [*sorted((run_dir / "cards").iterdir()), folder / CARD, folder / CARD_PAGE]
    log_files(client, run_id, files, "cards")
