"""What the evaluation step of ``train.py`` does: scores, pictures, the model card, label errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.config import Config
from sparrow.data.tables import Dataset
from sparrow.drawing.attempt import attempt_drawing
from sparrow.evaluation.class_lines import class_table, confusion_lines
from sparrow.pipeline.cards import AssessedModel, log_evaluation, write_model_card
from sparrow.pipeline.data import write_label_errors
from sparrow.pipeline.evaluate import evaluate_model
from sparrow.pipeline.licences import write_ledger
from sparrow.pipeline.trained_folder import MODEL, reset_model_folder
from sparrow.progress import Progress

if TYPE_CHECKING:
    from pandas import DataFrame

    from sparrow.evaluation.scored import Scored
    from sparrow.pipeline.train import Trained
    from sparrow.reports.document import Document


@dataclass(frozen=True, eq=False)
class Assessment:
    """A trained model on the test split.

    Attributes:
        scored: threshold, scores, detections.
        model_card: of the model, its number not known yet.
        pictures: the curves and the photos with the worst mistakes, PNG by title.
        label_errors: labels of test photos that the model strongly disagrees with.
        label_error_pages: the pages about them.
    """

    scored: Scored
    model_card: Document
    pictures: dict[str, bytes]
    label_errors: DataFrame
    label_error_pages: list[Path]

    def lines(self) -> list[str]:
        """Label errors, headline numbers with their intervals, and those of each class."""
        evaluation = self.scored.evaluation
        counted = (len(self.label_errors), *self.label_error_pages)
        return [
            " ".join(["labels worth a second look:", *map(str, counted)]),
            *(
                f"{name:<18}{number.value:7.3f}   {number.low:.3f} to {number.high:.3f}"
                for name, number in evaluation.headline.items()
            ),
            *class_table([scores.to_dict() for scores in evaluation.classes]),
            *confusion_lines(evaluation.confusion),
        ]


def assess_model(
    config: Config, dataset: Dataset, trained: Trained, run_dir: Path, progress: Progress
) -> Assessment:
    """Choose the threshold, score the test split, complete the model folder and its MLflow run.

    Args:
        run_dir: of the run; holds the model folder, the cards and the pages about the data.

    Raises:
        ModelFolderError: the model folder is damaged; the message says how to make it anew.
    """
    from sparrow.reports.evaluation_pictures import (
        evaluation_pictures,
        example_of,
        mistake_pictures,
    )

    folder, test = run_dir / MODEL, dataset.subset("test")
    reset_model_folder(run_dir)
    scored = evaluate_model(config, dataset, folder, progress)
    curves = attempt_drawing("curves of the scores", lambda: evaluation_pictures(scored)) or {}
    example = attempt_drawing("the example", lambda: example_of(config, dataset, scored))
    model = AssessedModel(folder, dataset, trained, scored, curves, example)
    model_card = write_model_card(config, model)
    write_ledger(config, dataset, folder, [example.credit] if example else [])
    worst = attempt_drawing("the worst mistakes", lambda: mistake_pictures(config, dataset, scored))
    pictures = {**curves, **(worst or {})}
    log_evaluation(config, trained, scored, pictures, run_dir)
    pages = run_dir / "data" / "test"
    label_errors = write_label_errors(config, test, scored.detections, "This run's model", pages)
    return Assessment(scored, model_card, pictures, *label_errors)
