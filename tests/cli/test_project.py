"""Which model a command is about."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from sparrow.cli.main import main
from sparrow.cli.project import AmbiguousError, add_config_option, find_project
from sparrow.config import ServiceConfig, StoresConfig
from sparrow.registry.tracking import make_client
from sparrow.served_settings import ServedSettings, write_served_settings


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def publish(here: Path, name: str) -> None:
    folder = here / ".sparrow" / "champion.versions" / name / "1"
    folder.mkdir(parents=True)
    (here / ".sparrow" / "champion").symlink_to(folder, target_is_directory=True)
    service = ServiceConfig(keep_fraction=0.25)
    write_served_settings(folder, ServedSettings(name=name, service=service))


def register(*names: str) -> None:
    client = make_client(StoresConfig())
    for name in names:
        client.create_registered_model(name)


def test_nothing_at_all_means_the_demo(here: Path) -> None:
    assert find_project(None).name == "drawn-sparrow-detector"


def test_what_is_served_counts_and_its_own_stores_and_limits(here: Path) -> None:
    publish(here, "own-detector")
    (here / "configs").mkdir()
    (here / "configs" / "a.yaml").write_text("name: broken name")
    (here / "configs" / "own.yaml").write_text("name: own-detector\ndata: {new: data/own/new}")
    found = find_project(None)
    assert (found.name, found.data.new, found.service.keep_fraction) == (
        "own-detector", "data/own/new", 0.25,
    )  # fmt: skip


def test_a_named_config_comes_first(here: Path) -> None:
    publish(here, "own-detector")
    (here / "other.yaml").write_text("name: other")
    assert find_project("other.yaml").name == "other"


def test_of_several_one_must_be_named(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # One test, since MLflow keeps the store of a relative address for the whole process.
    register("own")
    assert find_project(None).name == "own"
    register("another", "third")
    with pytest.raises(AmbiguousError, match="another, own, third"):
        find_project(None)
    for command in (["promote", "1", "--why", "x"], ["rollback", "--why", "x"], ["history"]):
        assert main(command) == 1
        assert "--config" in capsys.readouterr().err
    # A person at a terminal is asked.
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _question: "own")
    assert find_project(None).name == "own"
    monkeypatch.setattr("builtins.input", lambda _question: "nobody")
    with pytest.raises(AmbiguousError, match="nobody"):
        find_project(None)


def test_the_option_has_no_default_of_its_own() -> None:
    parser = argparse.ArgumentParser()
    add_config_option(parser)
    assert parser.parse_args([]).config is None
