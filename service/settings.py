"""What the service serves and under which limits: read once, when the process starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from sparrow.config import ServiceConfig, StoresConfig, load_config, make_config
from sparrow.model.folder import INFO, read_info

MODEL_VARIABLE = "SPARROW_MODEL"
CONFIG_VARIABLE = "SPARROW_CONFIG"
KEY_VARIABLE = "SPARROW_API_KEY"
HOME = Path(__file__).resolve().parents[1]  # the repo, or the sources inside a Bento


class SettingsError(RuntimeError):
    """The service cannot start; the message says what to set."""


@dataclass(frozen=True)
class Settings:
    """Model folder and configuration of this process.

    Attributes:
        model: the folder to serve; may not exist yet when the service is only being built.
        watched: whether the folder is a link that a promotion switches while the service runs.
        api_key: None where none is required.
    """

    model: Path
    watched: bool
    limits: ServiceConfig
    prediction_log: str
    api_key: str | None


def read_settings() -> Settings:
    """From the environment, the model beside the service, or the champion in the working folder.

    ``SPARROW_CONFIG`` names a YAML file; without it the sections that the model was trained with
    hold.

    Raises:
        ConfigError: that file is not a valid config.
        SettingsError: a key is required and not given.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    config = load_config(named) if named else None
    model, watched = _find_model(config.stores if config else StoresConfig())
    if config is None and (model / INFO).is_file():
        config = make_config(read_info(model, verify=False).config)
    limits = config.service if config else ServiceConfig()
    stores = config.stores if config else StoresConfig()
    folder = started_in()
    limits = limits.model_copy(update={"keep_folder": str(folder / limits.keep_folder)})
    api_key = os.environ.get(KEY_VARIABLE) if limits.require_api_key else None
    if limits.require_api_key and not api_key:
        raise SettingsError(
            f"service.require_api_key is set, but the environment variable {KEY_VARIABLE} is empty"
        )
    return Settings(model, watched, limits, _from(folder, stores.prediction_log), api_key)


def started_in() -> Path:
    """Where relative paths begin: where ``bentoml serve`` was called.

    BentoML moves into the Bento's own folder before it imports the service, and what lies there is
    deleted with the Bento. The caller's folder is left in ``PWD``.
    """
    called_in = os.environ.get("PWD")
    in_bento = (HOME / "model" / INFO).is_file() and Path.cwd() == HOME
    return Path(called_in) if in_bento and called_in else Path.cwd()


def _from(folder: Path, url: str) -> str:
    """The URL of an SQLite file with its path made absolute; any other as it is."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return url
    return parsed.set(database=str(folder / parsed.database)).render_as_string(hide_password=False)


def _find_model(stores: StoresConfig) -> tuple[Path, bool]:
    named = os.environ.get(MODEL_VARIABLE)
    if named:
        return Path(named).absolute(), Path(named).is_symlink()
    bundled = HOME / "model"
    if (bundled / INFO).is_file():
        return bundled, False
    return Path(stores.champion).absolute(), True


def require_model(settings: Settings) -> None:
    """Raise SettingsError where there is no model to serve."""
    if not (settings.model / INFO).is_file():
        raise SettingsError(
            f"there is no model in {settings.model}. Train one with `make train`, promote one with "
            f"`sparrow promote`, or name a model folder in the environment variable "
            f"{MODEL_VARIABLE}"
        )
