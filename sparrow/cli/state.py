"""``sparrow state``: bring this host's data set to ``stores.state``, and what is there to here."""

from __future__ import annotations

import argparse

from sparrow.config import Config, ConfigError, load_config


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "state",
        help="share the data set with hosts that see no folder of this one, or fetch what they did",
        description="Where stores.state names a store, the steps of the flows work on copies of "
        "what it holds. share: publish the data set and the new data of this host, before the "
        "first run. fetch: bring data set, reports of runs and monitor's pages here.",
    )
    parser.add_argument("do", choices=("share", "fetch"))
    parser.add_argument("--run", metavar="KEY", help="with fetch: all files of this run, too")
    parser.add_argument("--config", required=True, metavar="FILE", help="YAML of the project")
    parser.set_defaults(func=state)


def state(arguments: argparse.Namespace) -> int:
    """Share or fetch; a line for each folder.

    Raises:
        ConfigError: the config names no store.
        StoreError: the store cannot be used, or has no such run.
        ChangedElsewhereError: a file of this host would be overwritten.
    """
    from sparrow.pipeline.shared_state import fetch_state, share_data

    config = _with_state(arguments.config)
    lines = share_data(config) if arguments.do == "share" else fetch_state(config, arguments.run)
    for line in lines:
        print(line, flush=True)
    return 0


def _with_state(file: str) -> Config:
    config = load_config(file)
    if config.stores.state is None:
        raise ConfigError(
            f"{file}: stores.state names no store; the folders of the config are what there is"
        )
    return config
