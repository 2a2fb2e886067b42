"""``settings.yaml`` beside a model: what it is served with, and what it is registered as."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparrow.config import ConfigError, ServiceConfig, StoresConfig
from sparrow.served_settings import (
    ServedSettings,
    read_served_settings,
    registered_version,
    settings_path,
    write_served_settings,
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "champion.versions" / "birds" / "3"
    folder.mkdir(parents=True)
    link = tmp_path / "champion"
    link.symlink_to("champion.versions/birds/3", target_is_directory=True)
    return link


def test_without_the_file_there_are_none(model: Path) -> None:
    assert read_served_settings(model) is None
    assert registered_version(model) == "3"  # the published folder's own name


def test_they_come_back_as_they_were_written(model: Path) -> None:
    settings = ServedSettings(
        name="birds",
        service=ServiceConfig(
            require_api_key=True, allowed_hosts=("a.example",), keep_fraction=0.5
        ),
        stores=StoresConfig(prediction_log="postgresql://u:${DB_PASSWORD}@db/log"),
    )
    write_served_settings(model, settings)
    assert read_served_settings(model) == settings
    assert "${DB_PASSWORD}" in settings_path(model).read_text()
    assert list(settings_path(model).parent.glob("*.partial")) == []


def test_all_versions_of_a_name_share_them(model: Path) -> None:
    write_served_settings(model, ServedSettings(name="birds"))
    other = model.resolve().with_name("4")
    other.mkdir()
    assert read_served_settings(other) == ServedSettings(name="birds")
    assert registered_version(other) == "4"


def test_a_model_that_travels_carries_its_version(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    assert registered_version(tmp_path / "model") == "unpublished"
    write_served_settings(tmp_path / "model", ServedSettings(name="birds", version="7"))
    assert registered_version(tmp_path / "model") == "7"


@pytest.mark.parametrize(
    "text",
    ["name: x\nservic: {}", "name: x\nservice: {hosts: []}", "name: x\nservice: {threads: 0}",
     "[1]",
     "name: [", "version: '1'", "name: x\nname: y", "name: x\nstores: {tuning: 'postgresql://a:b@c/d'}"],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_with_its_place(model: Path, text: str) -> None:
    settings_path(model).write_text(text)
    with pytest.raises(ConfigError):
        read_served_settings(model)
