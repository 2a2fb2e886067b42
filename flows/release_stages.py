"""What the promote and bundle steps of ``train.py`` do.

MLflow and BentoML are imported inside the functions that need them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluate_stages import score_model

from sparrow.config import Config, make_config
from sparrow.data.tables import Dataset
from sparrow.model.folder import engine_mb, read_info

if TYPE_CHECKING:
    from train_stages import Trained


@dataclass(frozen=True)
class Promotion:
    """What promotion did."""

    version: int  # of the candidate
    champion_version: int | None  # after the decision
    champion_before: int | None
    decision: dict[str, Any]
    champion_evaluation: dict[str, Any] | None  # of the champion before, scored now


def promote(
    config: Config,
    dataset: Dataset,
    trained: Trained,
    evaluation: Any,
    latency_ms: float,
    run_key: str,
    forced: bool,
    work_dir: Path,
) -> Promotion:
    """Register the candidate once, score the champion on the same photos now, and decide."""
    from sparrow.evaluation.compare import compare
    from sparrow.release.promotion import decide
    from sparrow.release.registry import Registry

    folder = Path(trained.folder)
    registry = Registry(config.stores, config.name)
    info = read_info(folder)
    tags = {
        "metaflow_run": run_key,
        "config": make_config(info.config).content_hash(),  # tuned values included
        "git_commit": info.git_commit,
    }
    version = registry.register(folder, trained.mlflow_run_id, run_key, tags)
    follows, champion = registry.last_entry(), registry.champion()
    before, comparison = None, None
    if champion is not None and champion.number != version.number:
        home = registry.download(champion.number, work_dir / "champion")
        before = score_model(config, dataset, home).evaluation
        comparison = compare(evaluation, before, config, config.seed)
    decision = decide(
        evaluation,
        before,
        comparison,
        engine_mb(folder),
        config.promotion,
        forced,
        latency_ms=latency_ms,
    )
    registry.tag(version.number, {"decision": decision.reason})
    if decision.promote:
        registry.promote(
            version.number,
            decision.reason,
            forced=decision.forced,
            evidence=decision.to_dict(),
            follows=follows,
        )
    now = registry.champion()
    return Promotion(
        version=version.number,
        champion_version=now.number if now else None,
        champion_before=champion.number if champion else None,
        decision=decision.to_dict(),
        champion_evaluation=before.to_dict() if before else None,
    )


def bundle(config: Config, promotion: Promotion) -> str | None:
    """The Bento of the champion; None where no champion is."""
    if promotion.champion_version is None:
        return None
    from sparrow.release.bundle import build_bento
    from sparrow.release.registry import Registry

    folder = Registry(config.stores, config.name).publish(promotion.champion_version)
    return build_bento(folder, config.name, promotion.champion_version)
