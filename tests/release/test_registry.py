"""Versions, champions and the way back, on a real MLflow store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sparrow.images import read_image
from sparrow.model.folder import ENGINE, INFO, WEIGHTS, ModelFolderError, file_sha256, read_info
from sparrow.model.runtime import Engine
from sparrow.release.promotion_log import PromotionConflictError
from sparrow.release.registry import Registry
from sparrow.release.versions import INFO_HASH, RegistryError

NAME = "test-detector"


@pytest.fixture
def registry(stores):
    return Registry(stores, NAME)


def published(stores):
    return Path(stores.champion)


def sums(folder):
    return {name: file_sha256(folder / name) for name in (WEIGHTS, ENGINE, INFO)}


def test_a_model_nobody_has_registered(stores):
    registry = Registry(stores, "nothing-here")
    assert registry.versions() == []
    assert registry.champion() is None
    assert registry.history() == []
    assert registry.last_entry() == 0
    with pytest.raises(RegistryError, match="nothing-here has no version 1; its versions: none"):
        registry.promote(1, "why")
    with pytest.raises(RegistryError, match="no previous champion"):
        registry.rollback("why")


def test_versions_are_numbers_oldest_first_with_their_tags(registry):
    versions = registry.versions()
    assert [version.number for version in versions] == [1, 2, 3]
    assert versions[1].tags["key"] == "run/2"
    assert versions[1].tags["config"] == "abc"
    assert versions[1].tags["data_version"]
    assert len({version.run_id for version in versions}) == 1
    registry.tag(2, {"decision": "no"})
    assert registry.versions()[1].tags["decision"] == "no"


def test_registering_twice_with_one_key_gives_one_version(registry, folders):
    again = registry.register(folders[1], registry.versions()[1].run_id, "run/2", {})
    assert again.number == 2
    assert len(registry.versions()) == 3


def test_artifacts_lie_where_the_config_says(filled, registry):
    root = filled / "artifacts"
    stored = sorted(root.rglob("model/model.json"))
    assert len(stored) == 3
    # Nothing but the model folder and MLflow's own description: no pickle.
    names = {path.name for path in stored[0].parents[1].rglob("*") if path.is_file()}
    assert names == {WEIGHTS, ENGINE, INFO, "MLmodel"}


def test_a_folder_that_is_not_whole_is_not_registered(registry, folders, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(folders[0], broken)
    (broken / ENGINE).unlink()
    with pytest.raises(ModelFolderError, match=r"engine\.onnx is missing"):
        registry.register(broken, registry.versions()[0].run_id, "run/9", {})
    assert len(registry.versions()) == 3


def test_what_comes_back_is_what_went_in(registry, folders):
    for number, folder in enumerate(folders, 1):
        assert sums(registry.fetch(number)) == sums(folder)


def test_a_changed_artifact_is_refused(registry, filled, folders, tmp_path):
    folder = next(
        path.parent
        for path in (filled / "artifacts").rglob("model/model.json")
        if read_info(path.parent).threshold == 0.3
    )
    whole = (folder / INFO).read_bytes()
    (folder / INFO).write_bytes(whole.replace(b'"files": {', b'"files": {"card.md": "0", '))
    try:
        with pytest.raises(ModelFolderError, match=r"card\.md is missing"):
            registry.promote(3, "why")
    finally:
        (folder / INFO).write_bytes(whole)
    # Checked before anything moves.
    assert registry.champion() is None
    assert registry.history() == []


def test_promotion_moves_aliases_log_and_published_folder_together(registry, stores, folders):
    registry.promote(1, "first", evidence={"gates": [1]})
    assert registry.champion().number == 1
    assert registry.aliased("previous") is None
    assert published(stores).is_symlink()
    assert read_info(published(stores)).threshold == 0.1
    registry.promote(2, "better", forced=True)
    assert registry.champion().number == 2
    assert registry.aliased("previous").number == 1
    assert published(stores).resolve().name == "2"
    assert sums(published(stores)) == sums(folders[1])
    first, second = registry.history()
    assert (first.from_version, first.to_version, first.why, first.forced) == (
        None, 1, "first", False,
    )  # fmt: skip
    # Beside the gate's decision: which model it was about.
    assert first.evidence == {"gates": [1], INFO_HASH: file_sha256(folders[0] / INFO)}
    assert (second.from_version, second.to_version, second.forced) == (1, 2, True)
    assert registry.last_entry() == 2


def test_promoting_the_champion_again_changes_nothing_but_repairs_the_folder(registry, stores):
    registry.promote(1, "first")
    published(stores).unlink()
    shutil.rmtree(published(stores).with_name("champion.versions"))
    registry.promote(1, "again")
    assert len(registry.history()) == 1
    assert registry.aliased("previous") is None
    assert read_info(published(stores)).threshold == 0.1


def test_models_of_two_names_can_be_published_at_one_path(registry, stores, folders, tmp_path):
    registry.promote(1, "first")
    other = Registry(stores, "other-detector")
    run_id = registry.versions()[0].run_id
    assert other.register(folders[2], run_id, "other/1", {}).number == 1
    other.promote(1, "it is better")
    assert sums(published(stores)) == sums(folders[2])
    registry.promote(1, "once more")
    assert sums(published(stores)) == sums(folders[0])


def test_a_registry_made_anew_does_not_get_the_old_ones_folder(registry, stores, folders):
    run_id = registry.versions()[0].run_id
    Registry(stores, "short-lived").register(folders[0], run_id, "a", {})
    assert read_info(Registry(stores, "short-lived").publish(1)).threshold == 0.1
    registry.client.delete_registered_model("short-lived")
    Registry(stores, "short-lived").register(folders[1], run_id, "b", {})
    assert sums(Registry(stores, "short-lived").publish(1)) == sums(folders[1])


def test_a_promotion_that_was_killed_after_its_log_entry_is_completed(registry, stores):
    registry.promote(1, "first")
    registry._log.append(1, 1, 2, "better")  # the process died here
    assert registry.champion().number == 2
    assert registry.aliased("champion").number == 1
    registry.promote(2, "better")
    assert registry.aliased("champion").number == 2
    assert registry.champion().number == 2
    assert registry.aliased("previous").number == 1
    assert [entry.to_version for entry in registry.history()] == [1, 2]  # not logged twice


def test_rollback_brings_back_the_exact_bytes_and_threshold(registry, stores, folders):
    registry.promote(1, "first")
    before = sums(published(stores))
    registry.promote(2, "second")
    assert sums(published(stores)) != before
    assert registry.rollback("it sees ghosts") == 1
    assert sums(published(stores)) == before == sums(folders[0])
    assert read_info(published(stores)).threshold == 0.1
    assert registry.champion().number == 1
    assert registry.history()[-1].why == "rollback: it sees ghosts"
    assert registry.history()[-1].forced
    # Rolling back again goes forward: the two have changed places.
    assert registry.rollback("it was not the model") == 2


def test_of_two_rivals_one_wins_and_the_other_is_told(registry, stores):
    registry.promote(1, "first")
    follows = registry.last_entry()  # both decide on this state
    registry.promote(2, "mine is better", follows=follows)
    with pytest.raises(PromotionConflictError, match=r"made version 2 champion at .* version 3"):
        registry.promote(3, "no, mine", follows=follows)
    assert registry.champion().number == 2
    assert published(stores).resolve().name == "2"
    assert [entry.to_version for entry in registry.history()] == [1, 2]


def test_a_change_that_was_killed_is_finished_before_the_next(registry, stores):
    registry.promote(1, "first")
    registry._log.append(1, 1, 2, "better")  # somebody's promotion, killed before its effects
    registry.promote(3, "mine")
    changes = [(entry.from_version, entry.to_version) for entry in registry.history()]
    assert changes == [(None, 1), (1, 2), (2, 3)]
    assert registry.aliased("previous").number == 2
    assert published(stores).resolve().name == "3"


def test_a_version_that_does_not_exist(registry):
    with pytest.raises(RegistryError, match="has no version 9; its versions: 1, 2, 3"):
        registry.promote(9, "why")


def test_mlflow_itself_loads_the_champion(registry, drawn_dataset, folders):
    import mlflow

    registry.promote(2, "why")
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    path = sorted((drawn_dataset / "images").iterdir())[0]
    table = model.predict([str(path)], params={"min_score": 0.0})
    found = Engine(folders[1], 1).detect(read_image(path))
    assert len(table) == len(found) > 0
    assert list(table.columns) == [
        "photo", "label", "score", "x_min_px", "y_min_px", "x_max_px", "y_max_px",
    ]  # fmt: skip
    assert table["score"].tolist() == pytest.approx(found.scores.tolist(), abs=1e-5)
    assert set(table["label"]) == {"house_sparrow"}
    # Without params the version's own threshold holds.
    assert (model.predict([str(path)])["score"] >= 0.2).all()
