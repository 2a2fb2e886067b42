"""The end of a run in one value: ``report.json`` and the lines a person reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.atomic_file import write_atomic
from sparrow.evaluation.class_scores import CLASS_SCORES
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.headline import score_name
from sparrow.reports.training_report import numbered_card, training_report

if TYPE_CHECKING:
    from sparrow.pipeline.release import Promotion
    from sparrow.pipeline.train import Trained
    from sparrow.reports.document import Document


@dataclass(frozen=True)
class Report:
    """What a run came to: for ``sparrow status``, and in lines for people."""

    values: dict[str, Any]
    lines: list[str]
    document: Document
    model_card: Document


def write_report(work_dir: Path, report: dict[str, Any]) -> None:
    """``report.json`` of a run: what ``sparrow status`` reads."""
    work_dir.mkdir(parents=True, exist_ok=True)
    write_atomic(work_dir / "report.json", json.dumps(report, indent=1) + "\n")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the steps of a run leave behind."""

    trained: Trained
    evaluation: Evaluation
    promotion: Promotion
    bento: str | None  # its tag; None where no model is champion
    model_card: Document  # as the evaluation wrote it


def make_report(run: str, version: str, outcome: Outcome) -> Report:
    """The end of a run in one value.

    Args:
        run: the Metaflow run's id.
        version: of the data.
    """
    evaluation, promotion = outcome.evaluation, outcome.promotion
    values = {
        "run": run,
        "state": "finished",
        "finished_at": _now(),
        "data_version": version,
        "metrics": {name: number.to_list() for name, number in evaluation.headline.items()},
        CLASS_SCORES: [scores.to_dict() for scores in evaluation.classes],
        "threshold": evaluation.threshold,
        "candidate_version": promotion.version,
        "champion_version": promotion.champion_version,
        "decision": promotion.decision,
        "tuned": outcome.trained.values,
        "mlflow_run_id": outcome.trained.mlflow_run_id,
        "bento": outcome.bento,
    }
    lines = _lines(version, outcome)
    model_card = numbered_card(outcome.model_card, promotion.version, _state(promotion))
    criteria = promotion.decision["gates"]
    document = training_report(model_card, _facts(run, outcome), criteria, lines)
    return Report(values, lines, document, model_card)


def _state(promotion: Promotion) -> str:
    """What the candidate is at the end of its run."""
    return "champion" if promotion.champion_version == promotion.version else "candidate"


def _facts(run: str, outcome: Outcome) -> list[tuple[str, object]]:
    trained, promotion = outcome.trained, outcome.promotion
    before = promotion.champion_before
    return [
        ("run", run),
        ("MLflow run", trained.mlflow_run_id),
        ("state", f"{_state(promotion)}, at the end of the run ({_now()})"),
        ("champion", promotion.champion_version or "none"),
        ("champion before", before or "none"),
        ("decision", promotion.decision["reason"]),
        ("Bento", outcome.bento or "none"),
    ]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _lines(version: str, outcome: Outcome) -> list[str]:
    trained, evaluation, promotion = outcome.trained, outcome.evaluation, outcome.promotion
    score = evaluation.f_beta
    champion, bento = promotion.champion_version or "none", outcome.bento or "none"
    return [
        f"Data version {version}; {_evidence(evaluation)}.",
        f"F{evaluation.beta:g} at IoU {evaluation.iou:g}: {score.value:.3f} "
        f"({score.low:.3f} to {score.high:.3f}) at threshold {evaluation.threshold:.3f}, "
        f"best epoch {trained.best_epoch} of {len(trained.history)}.",
        *_classes(evaluation),
        *([f"Training ended early: {trained.stopped}"] if trained.stopped else []),
        *trained.notes,
        f"Version {promotion.version}: {promotion.decision['reason']}",
        f"Champion: version {champion}; Bento: {bento}.",
    ]


def _classes(evaluation: Evaluation) -> list[str]:
    """The headline score of each of several classes in one sentence."""
    name = score_name(evaluation.beta, evaluation.iou)
    words = [
        f"{scores.name} {scores.scores[name]}" if scores.objects else f"{scores.name} not measured"
        for scores in evaluation.classes
    ]
    return [f"By class: {'; '.join(words)}."] if words else []


def _evidence(evaluation: Evaluation) -> str:
    plain = f"{evaluation.n_photos} test photos in {evaluation.n_groups} groups"
    return evaluation.evidence or plain
