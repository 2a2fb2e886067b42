"""The end of a run in one value: ``report.json`` and the lines a person reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.atomic_file import write_atomic

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


def make_report(
    run: str,
    version: str,
    trained: Trained,
    evaluation: Any,
    promotion: Promotion,
    bento: str | None,
) -> Report:
    """The end of a run in one value."""
    metrics = {name: one.to_list() for name, one in evaluation.headline.items()}
    values = {
        "run": run,
        "state": "finished",
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "data_version": version,
        "metrics": metrics,
        "threshold": evaluation.threshold,
        "candidate_version": promotion.version,
        "champion_version": promotion.champion_version,
        "decision": promotion.decision,
        "tuned": trained.values,
        "mlflow_run_id": trained.mlflow_run_id,
        "bento": bento,
    }
    score = evaluation.f_beta
    lines = [
        f"Data version {version}; {_evidence(evaluation)}.",
        f"F{evaluation.beta:g} at IoU {evaluation.iou:g}: {score.value:.3f} "
        f"({score.low:.3f} to {score.high:.3f}) at threshold {evaluation.threshold:.3f}, "
        f"best epoch {trained.best_epoch} of {len(trained.history)}.",
        *([f"Training ended early: {trained.stopped}"] if trained.stopped else []),
        *trained.notes,
        f"Version {promotion.version}: {promotion.decision['reason']}",
        f"Champion: version {promotion.champion_version or 'none'}; Bento: {bento or 'none'}.",
    ]
    return Report(values, lines)


def _evidence(evaluation: Any) -> str:
    plain = f"{evaluation.n_photos} test photos in {evaluation.n_groups} groups"
    return evaluation.evidence or plain
