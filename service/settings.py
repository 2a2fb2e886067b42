"""What the service serves and under which limits: read once, when the process starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from sparrow.config import ServiceConfig, StoresConfig, load_config
from sparrow.inference.model_folder import INFO, read_info
from sparrow.served_settings import earlier_settings, read_served_settings, settings_path
from sparrow.store_url import hide_secrets

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
        prediction_log: URL, with ``${NAME}`` in the place of a secret.
        api_key: None where none is required.
        source: where the limits come from, in words.
    """

    model: Path
    watched: bool
    limits: ServiceConfig
    prediction_log: str
    api_key: str | None
    source: str = "defaults"


def read_settings() -> Settings:
    """From the environment, the model beside the service, or the champion in the working folder.

    However the service is started, what holds is the YAML file that ``SPARROW_CONFIG`` names, else
    ``settings.yaml`` beside the model, else what a model of an earlier release has in it.

    Raises:
        ConfigError: that file is not valid.
        SettingsError: a key is required and not given.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    config = load_config(named) if named else None
    model, watched = _find_model(config.stores if config else StoresConfig())
    limits, stores, source = ServiceConfig(), StoresConfig(), "defaults"
    if config is not None:
        limits, stores, source = config.service, config.stores, f"{named} ({CONFIG_VARIABLE})"
    elif (beside := read_served_settings(model)) is not None:
        limits, stores, source = beside.service, beside.stores, str(settings_path(model))
    elif (model / INFO).is_file():
        earlier = earlier_settings(read_info(model, verify=False).config)
        if earlier is not None:
            limits, stores, source = *earlier, str(model / INFO)
    folder = started_in()
    limits = limits.model_copy(update={"keep_folder": str(folder / limits.keep_folder)})
    api_key = os.environ.get(KEY_VARIABLE) if limits.require_api_key else None
    if limits.require_api_key and not api_key:
        raise SettingsError(
            f"service.require_api_key is set ({source}), but the environment variable "
            f"{KEY_VARIABLE} is empty"
        )
    return Settings(model, watched, limits, _from(folder, stores.prediction_log), api_key, source)


def describe_settings(
    settings: Settings, name: str, version: str, listens: Sequence[str]
) -> dict[str, Any]:
    """What is in force, for the log: nothing that is open is open unseen.

    Args:
        settings: this process's.
        name: of the model.
        version: the number that it is registered under.
        listens: addresses that the process is reached at.
    """
    limits = settings.limits
    known = ("addresses", "localhost", limits.host, *limits.allowed_hosts)
    kept = f"{limits.keep_fraction:.0%} of the photos, in {limits.keep_folder}"
    return {
        "model": f"{name} version {version} ({settings.model})",
        "settings": settings.source,
        "listens": ", ".join(listens) or limits.host,
        "key": "required" if settings.api_key else "none is required",
        "hosts": ", ".join(dict.fromkeys(known)),
        "proxies": ", ".join(limits.trusted_proxies) or "none is trusted",
        "requests_per_minute": limits.requests_per_minute or "any number",
        "kept": kept if limits.keep_fraction else "no photo",
        "log": hide_secrets(settings.prediction_log),
    }


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
    if not url.startswith("sqlite"):
        return url  # it may name a variable, which is read when the log is opened
    parsed = make_url(url)
    if not parsed.database or parsed.database == ":memory:":
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
