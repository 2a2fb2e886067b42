"""``settings.yaml`` beside a served model: what does not belong into the model itself.

Name and version that it is registered under, the service's limits, and where its stores are, with
``${NAME}`` in the place of a secret. The published champion, a Bento and an exported Space have one
each, and whatever starts the service reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from sparrow.atomic_file import write_atomic
from sparrow.config import (
    ConfigError,
    Section,
    ServiceConfig,
    StoresConfig,
    read_stored,
    stored_config,
)

FILE = "settings.yaml"
UNPUBLISHED = "unpublished"


class ServedSettings(Section):
    """The file's content.

    Attributes:
        name: of the registered model.
        version: its number; None where the folder's own name says it, as in the published ones.
    """

    name: str
    version: str | None = None
    # Made when they are needed: a step that imports this module reads no key of the config by that.
    service: ServiceConfig = Field(default_factory=ServiceConfig)
    stores: StoresConfig = Field(default_factory=StoresConfig)


def default_champion(folder: Path = Path()) -> Path:
    """The champion of a folder: what commands use that name neither a model nor a project.

    The one at the default place; where none is there, the only other one (``configs/own.yaml`` has
    its own place, so that the demo's stays in service).
    """
    default = folder / StoresConfig().champion
    if default.exists():
        return default
    others = [path for path in default.parent.glob(f"*{default.name}") if path.is_dir()]
    return others[0] if len(others) == 1 else default


def settings_path(model: Path) -> Path:
    """The path of a model folder's settings, whether they exist or not; links are followed."""
    return model.resolve().parent / FILE


def read_served_settings(model: Path) -> ServedSettings | None:
    """Settings of a model folder; None where there are none.

    Raises:
        ConfigError: the file cannot be read, or has unknown keys or values.
    """
    path = settings_path(model)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return read_stored(ServedSettings, text, str(path))


def write_served_settings(model: Path, settings: ServedSettings) -> None:
    """Write them beside a model folder, in one step."""
    path = settings_path(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    values = settings.model_dump(mode="json", exclude_defaults=True)
    head = "# What this model is served with; sparrow/config/ explains each key.\n"
    write_atomic(path, head + yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def earlier_settings(config: Mapping[str, Any]) -> tuple[ServiceConfig, StoresConfig] | None:
    """Limits and stores that an earlier release wrote into ``model.json``; this one writes none.

    Args:
        config: of the model's ``model.json``.

    Returns:
        None where it holds neither. Addresses are taken as they are: what was legal then,
        passwords included, still opens.

    Raises:
        ConfigError: the limits are not valid.
    """
    if not {"service", "stores"} & set(config):
        return None
    written = config.get("stores", {})
    known = {key: written.get(key) for key in StoresConfig.model_fields}
    stores = StoresConfig().model_copy(update={k: v for k, v in known.items() if v is not None})
    return stored_config({"service": config.get("service", {})}).service, stores


def registered_version(model: Path) -> str:
    """The number that a model folder is registered under, or ``unpublished``."""
    target = model.resolve()
    if target.name.isdigit():
        return target.name
    settings = read_served_settings(target)
    return settings.version if settings and settings.version else UNPUBLISHED
