"""A starter on the road of every model: registered, noted in the promotion log, published."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.config import Config
from sparrow.inference.model_folder import ModelInfo, read_info
from sparrow.pipeline.release import served_settings
from sparrow.pipeline.starter import StarterOrder, make_starter, origin_of
from sparrow.served_settings import write_served_settings

if TYPE_CHECKING:
    from sparrow.registry.registry import Registry
    from sparrow.registry.versions import Version

WHY = "starter, not evaluated"  # how the reason in the promotion log begins
STARTER = "starter"  # a version's tag: its network


class TrainedChampionError(ValueError):
    """There is a champion that was trained, which no starter takes the place of unasked."""


@dataclass(frozen=True)
class Started:
    """The champion after ``start``.

    Attributes:
        version: its number.
        info: its ``model.json``.
        new: whether it was made now; False where the champion already was this very starter.
    """

    version: int
    info: ModelInfo
    new: bool


def start(config: Config, order: StarterOrder, *, replace: bool = False) -> Started:
    """Make a starter and the champion of it.

    Args:
        replace: also where the champion was trained.

    Raises:
        TrainedChampionError: the champion was trained, and ``replace`` is not given.
        TfjsError, WeightsError, ValueError: see ``make_starter``.
        PromotionConflictError: somebody else changed the champion in the meantime.
    """
    from sparrow.registry.registry import Registry
    from sparrow.registry.run_tags import move_run_tags

    registry = Registry(config.stores, config.name)
    state = registry.reconcile()
    trained = _refuse_trained(registry, state.champion, replace=replace)
    with tempfile.TemporaryDirectory(prefix="sparrow-starter-") as scratch:
        folder = Path(scratch) / "model"
        info = make_starter(config, order, folder)
        if state.champion is not None and _is_same(registry, state.champion, info):
            return Started(state.champion.number, info, new=False)
        version = _register(config, registry, folder, info)
    # Before it is published: killed in between, it must not be served without its limits.
    write_served_settings(registry.published_folder(version.number), served_settings(config))
    registry.promote(version.number, f"{WHY}: {_words(info)}", forced=trained, follows=state.number)
    for line in move_run_tags(registry):
        print(line)
    return Started(version.number, info, new=True)


def newest_starter(config: Config) -> Path:
    """The folder of the newest starter of a project, on this machine.

    Raises:
        ValueError: none was made.
    """
    from sparrow.registry.registry import Registry

    registry = Registry(config.stores, config.name)
    numbers = [version.number for version in registry.versions() if STARTER in version.tags]
    if not numbers:
        raise ValueError(f"{config.name} has no starter: make one with `sparrow start`")
    return registry.fetch(numbers[-1])


def _refuse_trained(registry: Registry, champion: Version | None, *, replace: bool) -> bool:
    """Whether the champion was trained; an error where it was and is not to be replaced."""
    if champion is None or STARTER in champion.tags:
        return False
    if not replace:
        raise TrainedChampionError(
            f"the champion of {registry.name}, version {champion.number}, was trained; a starter, "
            "which knows nothing of your photos, takes its place only with --replace"
        )
    return True


def _is_same(registry: Registry, champion: Version, info: ModelInfo) -> bool:
    """Whether the champion is this starter: the same weights, classes and threshold."""
    current = read_info(registry.fetch(champion.number))
    return (current.starter, current.threshold, current.min_score, current.class_names) == (
        info.starter, info.threshold, info.min_score, info.class_names,
    )  # fmt: skip


def _register(config: Config, registry: Registry, folder: Path, info: ModelInfo) -> Version:
    from sparrow.registry.tracking import RunFacts, end_run, start_run

    origin = origin_of(info)
    facts = {
        "network": origin.network,
        "package": origin.package,
        "threshold": info.threshold,
        **{f"counted_as.{name}": ", ".join(c) for name, c in origin.counted_as.items()},
    }
    tags = {STARTER: origin.network, "git_commit": info.git_commit}
    note = folder.parent / "mlflow_run_id"
    run_facts = RunFacts(facts, tags | {"mlflow.runName": f"starter: {origin.network}"})
    run_id = start_run(registry.client, config.name, config.stores.artifacts, note, run_facts)
    end_run(registry.client, run_id)
    return registry.register(folder, run_id, f"starter {run_id}", tags)


def _words(info: ModelInfo) -> str:
    origin = origin_of(info)
    return f"{origin.network} from {origin.package}"
