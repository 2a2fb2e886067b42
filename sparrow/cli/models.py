"""``sparrow promote | rollback | history``: the registry from the command line."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from sparrow.cli.project import add_config_option, find_project, say_what_is_served
from sparrow.config import Config
from sparrow.served_settings import (
    ServedSettings,
    read_served_settings,
    write_served_settings,
)

if TYPE_CHECKING:
    from sparrow.registry.registry import Registry


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    promote = subparsers.add_parser("promote", help="make a registered version the champion")
    promote.add_argument("version", type=int, help="number of the version")
    promote.add_argument("--why", required=True, help="the reason, for the promotion log")
    promote.set_defaults(func=promote_version)
    rollback = subparsers.add_parser("rollback", help="bring the previous champion back")
    rollback.add_argument("--why", required=True, help="the reason, for the promotion log")
    rollback.set_defaults(func=roll_back)
    history = subparsers.add_parser("history", help="who was champion, when and why")
    history.set_defaults(func=show_history)
    for parser in (promote, rollback, history):
        add_config_option(parser)


def promote_version(arguments: argparse.Namespace) -> int:
    """Promote a version by a person's order: recorded as forced."""
    from sparrow.registry.registry import Registry

    config = find_project(arguments.config)
    registry = Registry(config.stores, config.name)
    say_what_is_served(config)
    registry.fetch(arguments.version)  # refused before anything is written
    # Before it is published: killed in between, it must not be served without its limits.
    _settings_beside(registry, arguments.version, config)
    registry.promote(arguments.version, arguments.why, forced=True)
    print(f"{config.name}: version {arguments.version} is champion")
    _move_run_tags(registry)
    return 0


def roll_back(arguments: argparse.Namespace) -> int:
    """Exchange champion and previous champion."""
    from sparrow.registry.registry import Registry

    config = find_project(arguments.config)
    registry = Registry(config.stores, config.name)
    number = registry.rollback(arguments.why)
    _settings_beside(registry, number, config)
    print(f"{config.name}: version {number} is champion again")
    _move_run_tags(registry)
    return 0


def show_history(arguments: argparse.Namespace) -> int:
    """Print the log, oldest first; exit status 1 and a message where it was changed by hand."""
    from sparrow.registry.promotion_log import PromotionLog  # without MLflow's seconds of import

    config = find_project(arguments.config)
    log = PromotionLog(config.stores.promotion_log, config.name)
    for entry in log.entries():
        before = entry.from_version or "none"
        forced = " (forced)" if entry.forced else ""
        print(
            f"{entry.at}  {entry.who:<12} {before:>4} -> {entry.to_version:<4} {entry.why}{forced}"
        )
    return 1 if log.verify() else 0


def _move_run_tags(registry: Registry) -> None:
    """Bring the tags of Metaflow's runs to the new state, and say where that is not possible."""
    from sparrow.registry.run_tags import move_run_tags

    for line in move_run_tags(registry):
        print(line, file=sys.stderr)


def _settings_beside(registry: Registry, number: int, config: Config) -> None:
    """Write the project's settings beside a model published by hand, unless it has its own."""
    folder = registry.published_folder(number)
    if read_served_settings(folder) is None:
        write_served_settings(
            folder,
            ServedSettings(name=config.name, service=config.service, stores=config.stores),
        )
