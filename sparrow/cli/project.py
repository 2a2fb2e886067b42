"""The project of a command: the one that is named, else that of the model served here."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.config import Config, ConfigError, StoresConfig, load_config
from sparrow.inference.model_folder import INFO, read_info
from sparrow.served_settings import default_champion, read_served_settings
from sparrow.shipped import PACKAGE, default_config, flow_command, install_command, shipped
from sparrow.store_url import tracking_url

if TYPE_CHECKING:
    from sparrow.storage.places import Places


class AmbiguousError(ValueError):
    """Several models could be meant."""


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``, which names the project."""
    parser.add_argument(
        "--config", metavar="FILE", help="YAML of the project (default: that of the model served)"
    )


def add_stores_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``, which names the stores."""
    parser.add_argument("--config", help="YAML whose stores are meant (default: embedded)")


def find_places(config_file: str | Path | None) -> Places:
    """Folders and budgets of a config; without one, those that the newest run noted."""
    from sparrow.storage.places import known_places, places_of

    if config_file is not None:
        return places_of(load_config(config_file))
    return known_places(StoresConfig(champion=str(default_champion())))


def find_project(config_file: str | Path | None) -> Config:
    """Name, stores and limits that a command uses.

    Args:
        config_file: what ``--config`` says. Without it: what the published model was published
            with; where nothing is published, the only registered model, or the one that a person
            chooses.

    Raises:
        ConfigError: the file is not a valid config.
        AmbiguousError: several models are registered, and there is no terminal to ask at.
    """
    if config_file is not None:
        return load_config(config_file)
    champion = default_champion()
    served = read_served_settings(champion) if champion.exists() else None
    if served is not None:
        update = {"stores": served.stores, "service": served.service}
        return _config_of(served.name).model_copy(update=update)
    names = _registered_names()
    if (champion / INFO).is_file():  # published by an earlier release
        name = read_info(champion, verify=False).name
        if name in names:
            return _config_of(name)
    if not names:
        return load_config(default_config())
    return _config_of(names[0] if len(names) == 1 else _choose(names))


def find_champion(model: Path | None) -> Path:
    """The model folder that a command counts with, from whatever folder it is started in.

    Args:
        model: what ``--model`` says. Without it: what SPARROW_MODEL names, the champion of the
            config that SPARROW_CONFIG names, that of the working folder or of the nearest folder
            above it, that of the clone this program is in.

    Raises:
        ValueError: there is none; the message says where it was looked for.
        ConfigError: the file that SPARROW_CONFIG names is not a valid config.
    """
    named = model or os.environ.get("SPARROW_MODEL")
    if named:
        return Path(named).resolve()
    if config := os.environ.get("SPARROW_CONFIG"):
        return Path(load_config(config).stores.champion).resolve()
    own, here = Path(StoresConfig().champion), Path.cwd()
    for folder in (here, *here.parents, PACKAGE.parent):
        champion = default_champion(folder)
        if champion.exists():
            if folder != here:
                print(f"the model is {champion}", file=sys.stderr)
            return champion.resolve()
    raise ValueError(
        f"there is no model: no {own} in {here}, in a folder above it, or in {PACKAGE.parent}. "
        "Name a model folder, yours or one that somebody gave you: --model DIR. Or count without "
        "any training: sparrow start. Or train one: "
        f"{flow_command('train')} run (with the extra 'train': {install_command('train')})"
    )


def say_what_is_served(config: Config) -> None:
    """Warn before a model takes the place of one with another name at the same path."""
    champion = Path(config.stores.champion)
    served = read_served_settings(champion) if champion.exists() else None
    if served is not None and served.name != config.name:
        print(f"{champion} serves {served.name}; {config.name} takes its place", file=sys.stderr)


def _config_of(name: str) -> Config:
    """Of the files in ``configs/``, here or shipped, the one of that name; else the defaults."""
    for path in (
        *sorted(Path("configs").glob("*.yaml")),
        *sorted(shipped("configs").glob("*.yaml")),
    ):
        try:
            config = load_config(path)
        except ConfigError:
            continue  # a file that cannot be used is refused when it is named
        if config.name == name:
            return config
    return Config().model_copy(update={"name": name})  # one registered by an earlier release, too


def _registered_names() -> list[str]:
    from sparrow.registry.tracking import make_client

    stores = StoresConfig()
    tracking = tracking_url(stores.tracking)
    if tracking.startswith("sqlite:///") and not Path(tracking[len("sqlite:///") :]).is_file():
        return []
    return sorted(model.name for model in make_client(stores).search_registered_models())


def _choose(names: list[str]) -> str:
    listed = ", ".join(names)
    if not sys.stdin.isatty():
        raise AmbiguousError(
            f"several models are registered here and none is served: {listed}. Name the project: "
            "--config FILE"
        )
    answer = input(f"Which model ({listed})? ").strip()
    if answer not in names:
        raise AmbiguousError(f"there is no model {answer!r} here; registered: {listed}")
    return answer
