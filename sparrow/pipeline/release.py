"""What the promote and bundle steps of ``train.py`` do.

MLflow and BentoML are imported inside the functions that need them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.config import Config, stored_config
from sparrow.data.tables import Dataset
from sparrow.inference.model_folder import engine_mb, read_info
from sparrow.pipeline.evaluate import score_model
from sparrow.served_settings import ServedSettings, write_served_settings

if TYPE_CHECKING:
    from sparrow.pipeline.train import Trained
    from sparrow.registry.promotion_gate import PromotionDecision
    from sparrow.registry.promotion_log import Entry
    from sparrow.registry.registry import Registry
    from sparrow.registry.standing import Standing

DECISION_KEYS = ("promote", "forced", "reason", "gates")


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
) -> Promotion:
    """Register the candidate once, score the champion on the same photos now, and decide.

    A step that was killed after it had promoted finds its own entry in the promotion log: the
    decision of that entry holds, and nothing is promoted twice.
    """
    from sparrow.registry.registry import Registry

    folder = Path(trained.folder)
    registry = Registry(config.stores, config.name)
    info = read_info(folder)
    tags = {
        "metaflow_run": run_key,
        "config": stored_config(info.config).content_hash(),  # tuned values included
        "git_commit": info.git_commit,
    }
    version = registry.register(folder, trained.mlflow_run_id, run_key, tags)
    standing = registry.settle()
    own = own_entry(registry, version.number, run_key)
    before = own.from_version if own else champion_before(registry, standing, version.number)
    compared = compare_with(config, dataset, registry, before, evaluation, folder)
    if own is not None:
        decision = {key: own.evidence[key] for key in DECISION_KEYS}
    else:
        made = _decide(config, evaluation, compared, folder, forced, latency_ms)
        decision = made.to_dict()
        registry.tag(version.number, {"decision": made.reason})
        if made.promote:
            # Before the model is published: killed in between, it must not be served without them.
            folder_there = registry.published_folder(version.number)
            write_served_settings(folder_there, served_settings(config))
            registry.promote(
                version.number,
                made.reason,
                forced=made.forced,
                evidence={**decision, "run": run_key},
                follows=standing.number,
            )
    now = registry.champion()
    return Promotion(
        version=version.number,
        champion_version=now.number if now else None,
        champion_before=before,
        decision=decision,
        champion_evaluation=compared.champion.to_dict() if compared.champion else None,
    )


def own_entry(registry: Registry, number: int, run_key: str) -> Entry | None:
    """The log's entry by which this very run promoted its candidate, if it did."""
    for entry in reversed(registry.history()):
        # Entries of older releases do not name the run; only a run's step writes its gates.
        by_run = entry.evidence.get("run", run_key) == run_key and "gates" in entry.evidence
        if entry.to_version == number and by_run:
            return entry
    return None


def champion_before(registry: Registry, standing: Standing, number: int) -> int | None:
    """The champion that a candidate is held against: never itself.

    A person may have promoted it by hand while its run was interrupted.
    """
    if standing.champion is None:
        return None
    if standing.champion.number != number:
        return standing.champion.number
    return standing.previous.number if standing.previous else None


@dataclass(frozen=True)
class Compared:
    """Candidate and champion on the same photos; all None where there is no champion."""

    champion: Any = None  # its Evaluation
    comparison: Any = None
    classes: Any = None  # a ClassDifference, where the two do not count the same classes


def compare_with(
    config: Config,
    dataset: Dataset,
    registry: Registry,
    champion: int | None,
    evaluation: Any,
    folder: Path,
) -> Compared:
    """Score the champion now, on the classes that both models know.

    Args:
        champion: number of its version; None where there is none.
        evaluation: the candidate's on all its classes.
        folder: the candidate's model folder.
    """
    from sparrow.evaluation.compare import compare
    from sparrow.registry.promotion_gate import ClassDifference

    if champion is None:
        return Compared()
    home, ours = registry.fetch(champion), config.data.classes
    theirs = read_info(home).class_names
    if set(theirs) == set(ours):
        scored = score_model(config, dataset, home).evaluation
        return Compared(scored, compare(evaluation, scored, config, config.seed))
    shared = tuple(name for name in ours if name in theirs)
    if not shared:
        return Compared(classes=ClassDifference(theirs, ours, None))
    scored, candidate = (
        score_model(config, dataset, one, classes=shared).evaluation for one in (home, folder)
    )
    difference = ClassDifference(theirs, ours, candidate)
    return Compared(scored, compare(candidate, scored, config, config.seed), difference)


def _decide(
    config: Config,
    evaluation: Any,
    compared: Compared,
    folder: Path,
    forced: bool,
    latency_ms: float,
) -> PromotionDecision:
    from sparrow.registry.promotion_gate import decide

    return decide(
        evaluation,
        compared.champion,
        compared.comparison,
        engine_mb(folder),
        config.promotion,
        forced,
        latency_ms=latency_ms,
        classes=compared.classes,
    )


def bundle(config: Config, promotion: Promotion) -> str | None:
    """The Bento of the champion; None where no champion is.

    It is the champion that this run's promote step left. What is published stays as it is: somebody
    may have made another version champion since.
    """
    if promotion.champion_version is None:
        return None
    from sparrow.registry.bundle import build_bento
    from sparrow.registry.registry import Registry

    folder = Registry(config.stores, config.name).fetch(promotion.champion_version)
    settings = served_settings(config, str(promotion.champion_version))
    return build_bento(folder, settings)


def served_settings(config: Config, version: str | None = None) -> ServedSettings:
    """What of a config a model is served with."""
    return ServedSettings(
        name=config.name, version=version, service=config.service, stores=config.stores
    )
