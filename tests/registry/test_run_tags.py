"""Tags of Metaflow's runs follow the promotion log, on Metaflow's own local store."""

from __future__ import annotations

import shutil
import sys
from types import SimpleNamespace

import pytest

from sparrow.registry.registry import Registry
from sparrow.registry.run_tags import RUN, current_run, move_run_tags, run_of

NAME = "test-detector"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store of Metaflow's, in the working folder."""
    from metaflow.plugins.datastores.local_storage import LocalStorage

    monkeypatch.chdir(tmp_path)
    (tmp_path / ".metaflow").mkdir()
    monkeypatch.setattr(LocalStorage, "datastore_root", str(tmp_path / ".metaflow"))
    return tmp_path / ".metaflow"


@pytest.fixture
def new_run(store):
    """Makes a run of the flow ``Train`` and returns its path."""
    from metaflow.metaflow_environment import MetaflowEnvironment
    from metaflow.plugins.metadata_providers.local import LocalMetadataProvider

    flow = SimpleNamespace(name="Train")
    metadata = LocalMetadataProvider(MetaflowEnvironment(None), flow, None, None)
    return lambda: f"Train/{metadata.new_run_id()}"


@pytest.fixture
def registry(stores, new_run):
    """Three versions, each of a run of its own."""
    registry = Registry(stores, NAME)
    for number in (1, 2, 3):
        registry.tag(number, {RUN: new_run()})
    return registry


def tags(registry):
    """User tags of the runs of all versions, in their order."""
    from metaflow import Run

    paths = [run_of(version) for version in registry.versions()]
    return [set(Run(path, _namespace_check=False).user_tags) for path in paths]


def test_without_a_champion_no_run_is_tagged(registry):
    assert move_run_tags(registry) == []
    assert tags(registry) == [set(), set(), set()]


def test_promotions_and_rollbacks_move_the_tags(registry):
    from metaflow import Run

    Run(run_of(registry.versions()[0]), _namespace_check=False).add_tag("mine")
    registry.promote(1, "first")
    assert move_run_tags(registry) == []
    assert tags(registry) == [{"champion", "mine"}, set(), set()]
    registry.promote(3, "better")
    assert move_run_tags(registry) == []
    assert tags(registry) == [{"previous", "mine"}, set(), {"champion"}]
    registry.rollback("it sees ghosts")
    assert move_run_tags(registry) == []
    assert tags(registry) == [{"champion", "mine"}, set(), {"previous"}]
    registry.promote(2, "another")
    assert move_run_tags(registry) == move_run_tags(registry) == []  # again: nothing changes
    assert tags(registry) == [{"previous", "mine"}, {"champion"}, set()]


def test_of_two_models_each_has_its_champion(registry, stores, folders, new_run):
    from metaflow import Flow, namespace

    other = Registry(stores, "other-detector")
    number = other.register(folders[0], registry.versions()[0].run_id, "k", {RUN: new_run()}).number
    for model, version in ((registry, 1), (other, number), (registry, 2)):
        model.promote(version, "why")
        assert move_run_tags(model) == []
    assert tags(registry) == [{"previous"}, {"champion"}, set()]
    assert tags(other) == [{"champion"}]
    namespace(None)
    assert len(list(Flow("Train").runs("champion"))) == 2


def test_a_run_that_was_removed_is_said_and_stops_nothing(registry, store):
    registry.promote(1, "first")
    move_run_tags(registry)
    shutil.rmtree(store / run_of(registry.versions()[1]))
    registry.promote(2, "better")
    (told,) = move_run_tags(registry)
    assert told.startswith("version 2 is champion, but its run has no such tag: Train/")
    assert "is not in Metaflow's store here" in told
    shutil.rmtree(store / "Train")
    registry.rollback("why")
    first, second = move_run_tags(registry)
    assert "version 1 is champion" in first
    assert "version 2 is previous" in second
    assert registry.champion().number == 1


def test_a_version_of_an_earlier_release_names_its_run_by_its_key(stores, new_run):
    registry = Registry(stores, NAME)
    path = new_run()
    registry.tag(2, {"metaflow_run": path.split("/")[1]})
    registry.promote(1, "registered by hand: there is no run to tag")
    assert move_run_tags(registry) == []
    registry.promote(2, "better")
    assert move_run_tags(registry) == []
    assert [run_of(version) for version in registry.versions()] == [None, path, None]


def test_without_metaflow_a_promotion_says_so(registry, monkeypatch):
    monkeypatch.setitem(sys.modules, "metaflow", None)
    registry.promote(1, "first")
    (told,) = move_run_tags(registry)
    assert "Metaflow is not installed here" in told


def test_root_without_a_name_moves_tags_as_well(registry, monkeypatch):
    import metaflow.client.core as client

    registry.promote(1, "first")
    monkeypatch.setattr(client, "current_namespace", False)  # as in a new process
    for name in ("METAFLOW_USER", "SUDO_USER", "USERNAME", "USER", "LOGNAME"):
        monkeypatch.delenv(name, raising=False)
    assert move_run_tags(registry) == []
    assert tags(registry)[0] == {"champion"}


def test_outside_a_flow_there_is_no_current_run():
    assert current_run() is None
