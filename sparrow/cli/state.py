"""``sparrow state``: publish this host's data set to ``stores.state``, and fetch what is there."""

from __future__ import annotations

import argparse
import time

from sparrow.cli.project import add_config_option, find_project
from sparrow.config import Config, ConfigError


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "state",
        help="publish the data set for hosts that see no folder of this one, or fetch their work",
        description="Where stores.state names a store, the steps of the flows work on copies of "
        "what it holds. publish: the data set and the new data of this host, before the "
        "first run. fetch: data set, reports of runs and the monitor's pages. follow: keep this "
        "host's stores.champion, which a service watches, at what the promotion log says.",
    )
    parser.add_argument("do", choices=("publish", "fetch", "follow"))
    parser.add_argument(
        "--every",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="with follow: between two looks",
    )
    parser.add_argument("--run", metavar="KEY", help="with fetch: all files of this run, too")
    add_config_option(parser)
    parser.set_defaults(func=state)


def state(arguments: argparse.Namespace) -> int:
    """Publish or fetch; a line for each folder.

    Raises:
        ConfigError: the config names no store.
        StoreError: the store cannot be used, or has no such run.
        ChangedElsewhereError: a file of this host would be overwritten.
    """
    from sparrow.pipeline.shared_state import fetch_state, publish_data

    config = find_project(arguments.config)
    if arguments.do == "follow":
        return _follow(config, arguments.every)
    _require_state(config)
    lines = (
        publish_data(config) if arguments.do == "publish" else fetch_state(config, arguments.run)
    )
    for line in lines:
        print(line, flush=True)
    return 0


def _follow(config: Config, every_s: float) -> int:
    """Until it is interrupted; what cannot be reached now is asked again."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    from sparrow.inference.model_folder import ModelFolderError
    from sparrow.pipeline.release import served_settings
    from sparrow.registry.follow import Follower
    from sparrow.registry.registry import Registry
    from sparrow.registry.versions import RegistryError

    away = (RegistryError, ModelFolderError, SQLAlchemyError, MlflowException, OSError)
    follower = Follower(Registry(config.stores, config.name), served_settings(config))
    while True:
        try:
            words = follower.update()
        except away as error:
            words = f"{error}; asked again in {every_s:g} s"
        if words:
            print(words, flush=True)
        time.sleep(every_s)


def _require_state(config: Config) -> None:
    if config.stores.state is None:
        raise ConfigError(
            f"{config.name}: stores.state names no store; the folders of the config are what "
            "there is"
        )
