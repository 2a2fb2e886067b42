"""The model card, in its folder and beside the run, and the run's page in MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.config import Config
from sparrow.data.licences import not_shown_words
from sparrow.data.tables import Dataset
from sparrow.drawing.attempt import attempt_drawing
from sparrow.inference.card_facts import engine_mb
from sparrow.inference.model_folder import CARD, CARD_PAGE, EXAMPLE, read_info, write_info
from sparrow.pipeline.trained_folder import MODEL

if TYPE_CHECKING:
    from sparrow.evaluation.scored import Scored
    from sparrow.pipeline.train import Trained
    from sparrow.reports.document import Document
    from sparrow.reports.evaluation_pictures import Example
    from sparrow.reports.model_card import CardFacts

CARDS = "cards"  # a run's folder of cards and report, with their pictures in ``figures``
DATASET_CARD, MODEL_CARD, REPORT = "dataset-card", "model-card", "report"


@dataclass(frozen=True, eq=False)
class AssessedModel:
    """What a model card is written from.

    Attributes:
        folder: the model folder.
        curves: of its scores, PNG by title.
        example: a photo with its boxes; None where none may be shown, or it was not drawn.
    """

    folder: Path
    dataset: Dataset
    trained: Trained
    scored: Scored
    curves: Mapping[str, bytes]
    example: Example | None


def write_model_card(config: Config, model: AssessedModel) -> Document:
    """The model card, as ``card.md``, ``card.html`` and ``example.jpg`` of the model folder.

    The folder's hashes are renewed: nothing may be written into it afterwards.
    """
    from sparrow.reports.model_card import EXAMPLE_PICTURE, model_card

    folder = model.folder
    card = model_card(_card_facts(config, model))
    text = card.text_alone({EXAMPLE_PICTURE: EXAMPLE})
    text = text.replace("\n\n## Curves\n", f"\n\n## Curves\n\nThey are in `{CARD_PAGE}`.\n")
    (folder / CARD).write_text(text, encoding="utf-8")
    (folder / CARD_PAGE).write_text(card.page(), encoding="utf-8")
    if EXAMPLE_PICTURE in card.files:
        (folder / EXAMPLE).write_bytes(card.files[EXAMPLE_PICTURE])
    write_info(folder, read_info(folder))
    return card


def _card_facts(config: Config, model: AssessedModel) -> CardFacts:
    from sparrow.reports.model_card import CardFacts
    from sparrow.reports.model_card_training import TrainingFacts
    from sparrow.reports.training_figures import training_figures

    trained, scored = model.trained, model.scored
    beta = scored.evaluation.beta
    training = attempt_drawing(
        "curves of the training",
        lambda: training_figures(trained.history, trained.best_epoch, beta),
    )
    return CardFacts(
        info=read_info(model.folder),
        evaluation=scored.evaluation,
        count_check=scored.count_check,
        latency_ms=scored.latency_ms,
        at_once=scored.at_once,
        engine_mb=engine_mb(model.folder),
        dataset=model.dataset,
        trained=TrainingFacts(trained.history, trained.best_epoch, trained.values, trained.stopped),
        example=model.example,
        not_shown=not_shown_words(config.data.show_licenses),
        curves={**(training or {}), **model.curves},
    )


def log_evaluation(
    config: Config, trained: Trained, scored: Scored, pictures: Mapping[str, bytes], run_dir: Path
) -> None:
    """Scores, figures and both cards into the MLflow run that trained the model.

    Args:
        run_dir: of the run; holds the model folder and the dataset card.
    """
    from sparrow.registry.tracking import (
        class_metrics,
        log_files,
        log_numbers,
        log_pictures,
        make_client,
    )

    client, evaluation = make_client(config.stores), scored.evaluation
    numbers = {name: number.value for name, number in evaluation.headline.items()}
    numbers |= {**evaluation.details, "latency_ms": scored.latency_ms}
    numbers["threshold"] = evaluation.threshold
    numbers |= class_metrics(evaluation.classes)
    run_id, folder = trained.mlflow_run_id, run_dir / MODEL
    log_numbers(client, run_id, {f"test_{name}": value for name, value in numbers.items()})
    log_pictures(client, run_id, pictures)
    kept = sorted((run_dir / CARDS).glob(f"{DATASET_CARD}.*"))
    log_files(client, run_id, [*kept, folder / CARD, folder / CARD_PAGE], CARDS)


def write_story(
    config: Config, run_id: str, cards: Path, documents: Mapping[str, Document]
) -> None:
    """Write documents by their file's stem, and log them with all figures to an MLflow run.

    Args:
        run_id: of MLflow's run.
        cards: the folder of the run's cards.
    """
    from sparrow.registry.tracking import log_files, make_client
    from sparrow.reports.document import FIGURES

    cards.mkdir(parents=True, exist_ok=True)
    paths = [path for stem, text in documents.items() for path in text.write(cards, stem)]
    client = make_client(config.stores)
    log_files(client, run_id, paths, CARDS)
    log_files(client, run_id, sorted((cards / FIGURES).glob("*")), f"{CARDS}/{FIGURES}")
