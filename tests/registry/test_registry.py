"""Versions, champions and the way back, on a real MLflow store."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from sparrow.images import read_image
from sparrow.inference.counter import CannotCountError
from sparrow.inference.engine import Engine
from sparrow.inference.model_folder import (
    ENGINE,
    INFO,
    WEIGHTS,
    ModelFolderError,
    read_info,
    sha256_of,
)
from sparrow.registry.champion_lock import champion_lock
from sparrow.registry.promotion_log import Change, PromotionConflictError
from sparrow.registry.registry import Registry
from sparrow.registry.versions import INFO_HASH, RegistryError

pytestmark = pytest.mark.slow  # all of the file together

NAME = "test-detector"


@pytest.fixture
def registry(stores):
    return Registry(stores, NAME)


def published(stores):
    return Path(stores.champion)


def sums(folder):
    return {name: sha256_of(folder / name) for name in (WEIGHTS, ENGINE, INFO)}


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


def test_artifacts_lie_where_the_config_says(artifacts, registry):
    stored = sorted(artifacts.rglob("model/model.json"))
    assert len(stored) == 3
    # The model folder; beside it what MLflow needs (``test_pyfunc_files``). No pickle.
    assert {path.name for path in stored[0].parent.iterdir()} == {WEIGHTS, ENGINE, INFO}
    assert (stored[0].parents[1] / "MLmodel").is_file()


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


def test_a_changed_artifact_is_refused(registry, stored):
    info = stored(3) / INFO
    info.write_bytes(info.read_bytes().replace(b'"files": {', b'"files": {"card.md": "0", '))
    with pytest.raises(ModelFolderError, match=r"card\.md is missing"):
        registry.promote(3, "why")
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
    assert first.evidence == {"gates": [1], INFO_HASH: sha256_of(folders[0] / INFO)}
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
    registry._log.append(1, 1, Change(2, "better"))  # the process died here
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
    registry._log.append(1, 1, Change(2, "better"))  # a promotion killed before its effects
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


@pytest.mark.parametrize(
    "other",
    [
        {"threshold": 0.77},
        {"class_names": ("wren",)},
        {"found": ((1, 0.6, 1, 2, 30, 40),)},
        {"name": "somebody-elses", "data_version": "f" * 16},
    ],
)
def test_an_artifact_exchanged_for_another_whole_folder_is_refused(
    registry, stores, stored, write_small_model, tmp_path, other
):
    registry.promote(1, "first")
    place = stored(2)
    shutil.rmtree(place)
    write_small_model(place, **other)
    read_info(place)  # it is whole: only the version's tag tells that it is another
    for fetch in (lambda: registry.promote(2, "why"), lambda: registry.fetch(2)):
        with pytest.raises(ModelFolderError, match="version 2: the artifact store returned anothe"):
            fetch()
    assert registry.champion().number == 1
    assert published(stores).resolve().name == "1"
    assert len(registry.history()) == 1


def test_a_rollback_to_an_exchanged_artifact_is_refused(
    registry, stores, stored, write_small_model
):
    registry.promote(1, "first")
    registry.promote(2, "second")
    shutil.rmtree(published(stores).with_name("champion.versions") / NAME / "1")
    place = stored(1)
    shutil.rmtree(place)
    write_small_model(place, threshold=0.55)
    with pytest.raises(ModelFolderError, match="returned another model"):
        registry.rollback("why")
    assert registry.champion().number == 2
    assert published(stores).resolve().name == "2"


@pytest.mark.parametrize("file", [ENGINE, WEIGHTS, INFO])
def test_a_published_folder_that_was_damaged_is_fetched_again(registry, stores, folders, file):
    registry.promote(1, "first")
    (published(stores) / file).write_bytes(b"damaged")
    registry.reconcile()
    assert sums(published(stores)) == sums(folders[0])


@pytest.mark.parametrize("fault", ["label", "score", "box", "lengths", "square-only"])
def test_a_model_that_cannot_count_does_not_become_champion(
    registry, stores, write_small_model, tmp_path, fault
):
    registry.promote(1, "first")
    folder = write_small_model(tmp_path / "folder", fault=fault)
    made = registry.register(folder, registry.versions()[0].run_id, "run/4", {})
    with pytest.raises(CannotCountError, match=r"cannot count: on the trial photo \S+ it fails"):
        registry.promote(made.number, "it has the better score")
    assert registry.champion().number == 1
    assert registry.aliased("champion").number == 1
    assert published(stores).resolve().name == "1"
    assert len(registry.history()) == 1


def test_a_store_with_aliases_and_no_log_goes_on(registry, stores):
    """As after its promotion log was lost, or where aliases were set by other means."""
    registry.client.set_registered_model_alias(NAME, "champion", "2")
    registry.client.set_registered_model_alias(NAME, "previous", "1")
    assert registry.champion().number == 2
    assert registry.reconcile().champion.number == 2
    assert registry.rollback("the log is lost") == 1
    assert [(e.from_version, e.to_version) for e in registry.history()] == [(2, 1)]
    assert registry.aliased("champion").number == 1
    assert registry.aliased("previous").number == 2
    assert published(stores).resolve().name == "1"


def test_a_registry_made_anew_is_not_ruled_by_the_old_ones_log(registry, stores, folders, caplog):
    run_id = registry.versions()[0].run_id
    old, name = Registry(stores, "short-lived"), "short-lived"
    old.register(folders[0], run_id, "a", {})
    old.promote(1, "of the old registry")
    old.client.delete_registered_model(name)
    new = Registry(stores, name)
    new.register(folders[1], run_id, "b", {})  # the number is used again
    assert new.champion() is None
    assert new.reconcile().champion is None
    assert "is about a version that this registry does not hold" in caplog.text
    assert read_info(published(stores)).threshold == 0.1  # nothing was promoted in silence
    new.promote(1, "of the new one")
    assert sums(published(stores)) == sums(folders[1])
    changes = [(entry.from_version, entry.to_version) for entry in new.history()]
    assert changes == [(None, 1), (None, 1)]
    with pytest.raises(RegistryError, match="no previous champion"):
        new.rollback("there is none in this registry")


def test_entries_of_before_hashes_were_noted_hold(registry, stores):
    for number, before in ((1, None), (2, 1), (3, 2)):
        registry._log.append(number - 1, before, Change(number, "as an older release wrote it"))
    assert registry.champion().number == 3
    assert registry.rollback("why") == 2
    assert published(stores).resolve().name == "2"


def test_a_run_that_trained_anew_under_its_old_key_gets_a_version_of_its_own(registry, folders):
    run_id = registry.versions()[1].run_id
    assert registry.register(folders[1], run_id, "run/2", {}).number == 2
    # The same run, resumed from its training: what is decided on is what is registered.
    assert registry.register(folders[2], run_id, "run/2", {}).number == 4
    assert registry.register(folders[2], run_id, "run/2", {}).number == 4


def test_a_folder_at_the_published_path_is_not_touched(registry, stores):
    published(stores).mkdir()
    (published(stores) / "mine.txt").write_text("a person's")
    with pytest.raises(RegistryError, match=r"expected to be a link .* Move it away"):
        registry.promote(1, "why")
    assert registry.history() == []
    assert (published(stores) / "mine.txt").read_text() == "a person's"


def test_machines_that_share_a_database_take_turns(postgres, tmp_path):
    """Two machines have two published paths, and so two lock files: only PostgreSQL knows both."""
    import sqlalchemy as sa

    url = f"{postgres}/postgres"
    waits = threading.Event()

    def second() -> None:
        with champion_lock(tmp_path / "b" / "champion", url, NAME):
            waits.set()

    with champion_lock(tmp_path / "a" / "champion", url, NAME):
        with champion_lock(tmp_path / "b" / "champion", url, "another-model"):
            pass  # has nothing to do with it
        rival = threading.Thread(target=second)
        rival.start()
        engine = sa.create_engine(url)
        asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        with engine.connect() as connection:
            while not connection.execute(sa.text(asked)).scalar():
                connection.rollback()
        engine.dispose()
        assert not waits.is_set()
    rival.join(30)
    assert waits.is_set()


@pytest.mark.parametrize(("by_hand", "said"), [(3, True), (1, False)])
def test_an_alias_moved_by_hand_is_set_back_and_said(registry, caplog, by_hand, said):
    registry.promote(1, "first")
    registry.promote(2, "second")
    registry.client.set_registered_model_alias(NAME, "champion", str(by_hand))
    registry.reconcile()
    assert registry.aliased("champion").number == 2
    # That it points to the one before is what a killed promotion leaves, and nothing to tell.
    assert ("the alias champion pointed to version 3" in caplog.text) == said
