"""What the promote and bundle steps of ``train.py`` do.

MLflow and BentoML are imported inside the functions that need them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.config import Config, stored_config, with_values
from sparrow.data.tables import Dataset
from sparrow.evaluation.compare import compare
from sparrow.evaluation.evaluate import Evaluation
from sparrow.inference.card_facts import engine_mb
from sparrow.inference.model_folder import ModelFolderError, read_info
from sparrow.pipeline.score import score_model
from sparrow.registry.promotion_criteria import Candidate, ClassDifference
from sparrow.registry.promotion_gate import AgainstChampion, PromotionDecision, decide
from sparrow.served_settings import ServedSettings, write_served_settings

if TYPE_CHECKING:
    from sparrow.pipeline.train import Trained
    from sparrow.registry.promotion_log import Entry
    from sparrow.registry.registry import Registry
    from sparrow.registry.state import RegistryState
    from sparrow.registry.versions import Version

DECISION_KEYS = ("promote", "forced", "reason", "gates")


@dataclass(frozen=True, eq=False)
class EvaluatedModel:
    """What training and evaluation give to promotion.

    Attributes:
        folder: the model folder.
        run_key: of the run that evaluated it, which is the key of its version.
        latency_ms: see ``Scored``.
    """

    folder: Path
    run_key: str
    trained: Trained
    evaluation: Evaluation
    latency_ms: float


@dataclass(frozen=True)
class Promotion:
    """What promotion did."""

    version: int  # of the candidate
    champion_version: int | None  # after the decision
    champion_before: int | None
    decision: dict[str, Any]
    champion_evaluation: dict[str, Any] | None  # of the champion before, scored now


def promote(
    config: Config, dataset: Dataset, model: EvaluatedModel, run_key: str, forced: bool
) -> Promotion:
    """Register the candidate once, score the champion on the same photos now, and decide.

    A step that was killed after it had promoted finds its own entry in the promotion log: the
    decision of that entry holds, and nothing is promoted twice. A candidate of an earlier run that
    is champion already stays it.

    Args:
        run_key: of this run; another than the model's where an earlier run evaluated it.
    """
    from sparrow.registry.registry import Registry

    registry = Registry(config.stores, config.name)
    version = _register(registry, model)
    state = registry.reconcile()
    own = own_entry(registry, version.number, run_key)
    if own is None and run_key != model.run_key and _is_champion(state, version.number):
        return _stands(version.number, model.run_key)
    before = own.from_version if own else champion_before(registry, state, version.number)
    against = compare_with(config, dataset, registry, before, model)
    if own is not None:
        decision = {key: own.evidence[key] for key in DECISION_KEYS}
    else:
        made = decide(_candidate(model), against, config.promotion, forced)
        decision = made.to_dict()
        _carry_out(config, registry, made, version.number, (state.number, run_key))
    _move_run_tags(registry)
    now = registry.champion()
    scored = against.champion.to_dict() if against.champion else None
    return Promotion(version.number, now.number if now else None, before, decision, scored)


def _candidate(model: EvaluatedModel) -> Candidate:
    return Candidate(model.evaluation, engine_mb(model.folder), model.latency_ms)


def _is_champion(state: RegistryState, number: int) -> bool:
    return state.champion is not None and state.champion.number == number


def _stands(number: int, run_key: str) -> Promotion:
    reason = f"Nothing changed since run {run_key}: version {number} is the champion and stands."
    decision = {"promote": False, "forced": False, "reason": reason, "gates": []}
    return Promotion(number, number, number, decision, None)


def _register(registry: Registry, model: EvaluatedModel) -> Version:
    from sparrow.registry.run_tags import RUN, current_run

    info, run = read_info(model.folder), current_run()
    tags = {
        **({RUN: run} if run else {}),
        "metaflow_run": model.run_key,
        "config": stored_config(info.config).content_hash(),  # tuned values included
        "git_commit": info.git_commit,
    }
    return registry.register(model.folder, model.trained.mlflow_run_id, model.run_key, tags)


def _carry_out(
    config: Config,
    registry: Registry,
    decision: PromotionDecision,
    number: int,
    decided: tuple[int, str],
) -> None:
    """Note the decision at the version, and promote it where it says so.

    Args:
        number: of the candidate's version.
        decided: the log entry that the decision follows, and the key of the run.
    """
    follows, run_key = decided
    registry.tag(number, {"decision": decision.reason})
    if not decision.promote:
        return
    # Before the model is published: killed in between, it must not be served without them.
    write_served_settings(registry.published_folder(number), served_settings(config))
    evidence = {**decision.to_dict(), "run": run_key}
    registry.promote(
        number, decision.reason, forced=decision.forced, evidence=evidence, follows=follows
    )


def _move_run_tags(registry: Registry) -> None:
    """Bring the tags of Metaflow's runs to the new state, and print where that is not possible."""
    from sparrow.registry.run_tags import move_run_tags

    for line in move_run_tags(registry):
        print(line)


def own_entry(registry: Registry, number: int, run_key: str) -> Entry | None:
    """The log's entry by which this very run promoted its candidate, if it did."""
    for entry in reversed(registry.history()):
        # Entries of older releases do not name the run; only a run's step writes gates.
        by_run = entry.evidence.get("run", run_key) == run_key and "gates" in entry.evidence
        if entry.to_version == number and by_run:
            return entry
    return None


def champion_before(registry: Registry, state: RegistryState, number: int) -> int | None:
    """The champion that a candidate is compared with: never itself.

    A person may have promoted it by hand while its run was interrupted.
    """
    if state.champion is None:
        return None
    if state.champion.number != number:
        return state.champion.number
    return state.previous.number if state.previous else None


def compare_with(
    config: Config,
    dataset: Dataset,
    registry: Registry,
    champion: int | None,
    model: EvaluatedModel,
) -> AgainstChampion:
    """Score the champion now, on the classes that both models know.

    Args:
        champion: number of its version; None where there is none.
        model: the candidate.
    """
    if champion is None:
        return AgainstChampion()
    home, own_names = registry.fetch(champion), config.data.classes
    names = read_info(home).class_names
    if set(names) == set(own_names):
        scored = score_model(config, dataset, home).evaluation
        return AgainstChampion(scored, compare(model.evaluation, scored, config, config.seed))
    shared = [name for name in own_names if name in names]
    if not shared:
        return AgainstChampion(classes=ClassDifference(names, own_names, None))
    of_shared = with_values(config, {"data.classes": shared})
    scored, candidate = (
        score_model(of_shared, dataset, folder).evaluation for folder in (home, model.folder)
    )
    difference = ClassDifference(names, own_names, candidate)
    return AgainstChampion(scored, compare(candidate, scored, config, config.seed), difference)


def registered_folder(config: Config, run_key: str) -> Path | None:
    """The model that a run registered, on this machine; None where there is none, or it is damaged.

    Args:
        run_key: of the run that evaluated it.
    """
    from sparrow.registry.registry import Registry
    from sparrow.registry.versions import RegistryError

    registry = Registry(config.stores, config.name)
    for version in registry.versions():
        if version.tags.get("key") == run_key:
            try:
                return registry.fetch(version.number)
            except (RegistryError, ModelFolderError):
                return None
    return None


def bundle(config: Config, promotion: Promotion, work_dir: Path) -> str | None:
    """The Bento of the champion; None where no champion is.

    Where steps share no folder it is also a file of the run's, which ``bentoml import`` reads. It
    is the champion that this run's promote step left. What is published stays as it is: somebody
    may have made another version champion since.
    """
    if promotion.champion_version is None:
        return None
    from sparrow.registry.bundle import build_bento, keep_bento
    from sparrow.registry.registry import Registry

    folder = Registry(config.stores, config.name).fetch(promotion.champion_version)
    settings = served_settings(config, str(promotion.champion_version))
    tag = build_bento(folder, settings)
    if config.stores.state is not None:
        print(f"bentoml import: {keep_bento(tag, work_dir)}")
    return tag


def served_settings(config: Config, version: str | None = None) -> ServedSettings:
    """What of a config a model is served with."""
    return ServedSettings(
        name=config.name, version=version, service=config.service, stores=config.stores
    )
