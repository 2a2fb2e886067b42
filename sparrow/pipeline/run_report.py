"""The end of a run in one value: ``report.json`` and the lines a person reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.atomic_file import write_atomic
from sparrow.evaluation.evaluate import Evaluation

if TYPE_CHECKING:
    from sparrow.pipeline.release import Promotion
    from sparrow.pipeline.train import Trained


@dataclass(frozen=True)
class Report:
    """What a run came to: for ``sparrow status``, and in lines for people."""

    values: dict[str, Any]
    lines: list[str]


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
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "data_version": version,
        "metrics": {name: number.to_list() for name, number in evaluation.headline.items()},
        "threshold": evaluation.threshold,
        "candidate_version": promotion.version,
        "champion_version": promotion.champion_version,
        "decision": promotion.decision,
        "tuned": outcome.trained.values,
        "mlflow_run_id": outcome.trained.mlflow_run_id,
        "bento": outcome.bento,
    }
    return Report(values, _lines(version, outcome))


def _lines(version: str, outcome: Outcome) -> list[str]:
    trained, evaluation, promotion = outcome.trained, outcome.evaluation, outcome.promotion
    score = evaluation.f_beta
    champion, bento = promotion.champion_version or "none", outcome.bento or "none"
    return [
        f"Data version {version}; {_evidence(evaluation)}.",
        f"F{evaluation.beta:g} at IoU {evaluation.iou:g}: {score.value:.3f} "
        f"({score.low:.3f} to {score.high:.3f}) at threshold {evaluation.threshold:.3f}, "
        f"best epoch {trained.best_epoch} of {len(trained.history)}.",
        *([f"Training ended early: {trained.stopped}"] if trained.stopped else []),
        *trained.notes,
        f"Version {promotion.version}: {promotion.decision['reason']}",
        f"Champion: version {champion}; Bento: {bento}.",
    ]


def _evidence(evaluation: Evaluation) -> str:
    plain = f"{evaluation.n_photos} test photos in {evaluation.n_groups} groups"
    return evaluation.evidence or plain
