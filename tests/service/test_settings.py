"""Where the service's files lie, and what it refuses to start with."""

from __future__ import annotations

from pathlib import Path

import pytest

import service.settings
from service.settings import SettingsError, read_settings, require_model


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to start in, without a variable of ours."""
    for name in ("SPARROW_MODEL", "SPARROW_CONFIG", "SPARROW_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_model_it_says_what_to_do(here: Path) -> None:
    settings = read_settings()
    assert settings.model == here / ".sparrow" / "champion"
    assert settings.prediction_log == f"sqlite:///{here}/.sparrow/predictions.db"
    with pytest.raises(SettingsError, match="make train"):
        require_model(settings)


def test_a_bento_logs_where_it_was_called(
    here: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BentoML changes into the Bento's sources; a log in there would be deleted with them."""
    bento = here / "bento"
    bento.mkdir()
    (bento / "model").symlink_to(model_folder.resolve(), target_is_directory=True)
    monkeypatch.setattr(service.settings, "HOME", bento)
    monkeypatch.chdir(bento)
    monkeypatch.setenv("PWD", str(here))
    settings = read_settings()
    assert settings.model == bento / "model"
    assert settings.prediction_log == f"sqlite:///{here}/.sparrow/predictions.db"
    assert settings.limits.keep_folder == f"{here}/.sparrow/photos"


def test_a_key_is_required_only_with_its_variable(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "s.yaml").write_text(
        "service: {require_api_key: true}\n"
        "stores: {prediction_log: 'postgresql://birds:${DB_PASSWORD}@db/log'}\n"
    )
    monkeypatch.setenv("SPARROW_CONFIG", "s.yaml")
    with pytest.raises(SettingsError, match="SPARROW_API_KEY is empty"):
        read_settings()
    monkeypatch.setenv("SPARROW_API_KEY", "k")
    settings = read_settings()
    assert settings.api_key == "k"
    assert (
        settings.prediction_log == "postgresql://birds:${DB_PASSWORD}@db/log"
    )  # not a path: as it is
