"""Model, limits and stores of the service, read once when the process starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from sparrow.config import ServiceConfig, StoresConfig, load_config
from sparrow.inference.model_folder import INFO, read_info
from sparrow.inference.tile_choice import NO_TILES, TileChoice, parse_tiles
from sparrow.served_settings import (
    default_champion,
    earlier_settings,
    read_served_settings,
    settings_path,
)
from sparrow.store_url import hide_secrets

MODEL_VARIABLE = "SPARROW_MODEL"
CONFIG_VARIABLE = "SPARROW_CONFIG"
KEY_VARIABLE = "SPARROW_API_KEY"
HOME = Path(__file__).resolve().parents[1]  # the repo, or the sources inside a Bento


class SettingsError(RuntimeError):
    """The service cannot start as configured; the message says what to set."""


@dataclass(frozen=True)
class Settings:
    """Model folder and configuration of this process.

    Attributes:
        model: the folder to serve; may not exist yet when the service is only being built.
        follows_link: whether the folder is a link that a promotion replaces while the service runs.
        limits: the section ``service`` of the config.
        prediction_log: URL, with ``${NAME}`` in the place of a secret.
        api_key: None where none is required.
        source: where limits and stores were read from.
    """

    model: Path
    follows_link: bool
    limits: ServiceConfig
    prediction_log: str
    api_key: str | None
    source: str = "defaults"

    @property
    def tiles(self) -> TileChoice:
        """How small objects are looked for where a client does not choose."""
        most = self.limits.max_tiles
        return TileChoice(parse_tiles(self.limits.tiles), most) if most else NO_TILES

    @property
    def offered_tiles(self) -> TileChoice:
        """How they are looked for where a visitor of the page asks for it."""
        own = self.tiles
        return own if own.tiles is not None else TileChoice("auto", self.limits.max_tiles)


def read_settings() -> Settings:
    """Read the environment, and the model beside the service or the champion.

    However the service is started, its settings are those of the YAML file that ``SPARROW_CONFIG``
    names, else of ``settings.yaml`` beside the model, else of a model of an earlier release.

    Raises:
        ConfigError: that file is not valid.
        SettingsError: a key is required and not given.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    config = load_config(named) if named else None
    model, follows_link = _find_model(
        Path(config.stores.champion) if config else default_champion()
    )
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
    limits = _with_absolute_folders(folder, limits)
    log = _absolute(folder, stores.prediction_log)
    return Settings(model, follows_link, limits, log, _api_key(limits, source), source)


def _api_key(limits: ServiceConfig, source: str) -> str | None:
    if not limits.require_api_key:
        return None
    api_key = os.environ.get(KEY_VARIABLE)
    if not api_key:
        raise SettingsError(
            f"service.require_api_key is set ({source}), but the environment variable "
            f"{KEY_VARIABLE} is empty"
        )
    return api_key


def describe_settings(
    settings: Settings, name: str, version: str, listens: Sequence[str]
) -> dict[str, object]:
    """The settings in use, for the log, with everything that is open to others.

    Args:
        settings: this process's.
        name: of the model.
        version: the number that it is registered under.
        listens: addresses at which the process accepts connections.
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
        "kept_by_consent": f"in {limits.keep_folder}" if limits.keep_agreed else "no photo",
        "tiles": f"{limits.tiles}, at most {limits.max_tiles} of a photo",
        "page_folder": limits.page_folder or "none can be reached by the page",
        "log": hide_secrets(settings.prediction_log),
    }


def started_in() -> Path:
    """The folder that relative paths start from: where ``bentoml serve`` was called.

    BentoML changes to the Bento's own folder before it imports the service, and that folder is
    deleted with the Bento. ``PWD`` still names the caller's folder.
    """
    called_in = os.environ.get("PWD")
    in_bento = (HOME / "model" / INFO).is_file() and Path.cwd() == HOME
    return Path(called_in) if in_bento and called_in else Path.cwd()


def _with_absolute_folders(folder: Path, limits: ServiceConfig) -> ServiceConfig:
    folders = {"keep_folder": str(folder / limits.keep_folder)}
    if limits.page_folder is not None:
        folders["page_folder"] = str(folder / limits.page_folder)
    return limits.model_copy(update=folders)


def _absolute(folder: Path, url: str) -> str:
    """The URL of an SQLite file with an absolute path; any other URL unchanged."""
    if not url.startswith("sqlite"):
        return url  # it may contain ``${NAME}``, which is replaced when the log is opened
    parsed = make_url(url)
    if not parsed.database or parsed.database == ":memory:":
        return url
    return parsed.set(database=str(folder / parsed.database)).render_as_string(hide_password=False)


def _find_model(champion: Path) -> tuple[Path, bool]:
    named = os.environ.get(MODEL_VARIABLE)
    if named:
        return Path(named).absolute(), Path(named).is_symlink()
    bundled = HOME / "model"
    if (bundled / INFO).is_file():
        return bundled, False
    return champion.absolute(), True


def require_model(settings: Settings) -> None:
    """Check that there is a model to serve.

    Raises:
        SettingsError: the folder holds none.
    """
    if not (settings.model / INFO).is_file():
        raise SettingsError(
            f"there is no model in {settings.model}. Train one with `make train`, promote one with "
            f"`sparrow promote`, or name a model folder in the environment variable "
            f"{MODEL_VARIABLE}"
        )
