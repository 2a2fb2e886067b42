"""What the actions of ``sparrow data`` share: their options, the config, a bar on the terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from sparrow.config import Config, load_config, with_values
from sparrow.progress import Progress, show_progress
from sparrow.shipped import default_config

Handler = Callable[[argparse.Namespace], int]
Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # generic in stubs only


def add_action(actions: Parsers, name: str, handler: Handler, help: str) -> argparse.ArgumentParser:
    """A subcommand with ``--config`` and ``--set``."""
    parser = actions.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    parser.add_argument("--config", type=Path, default=default_config(), metavar="FILE")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="override a key of the config, such as data.root=photos",
    )  # fmt: skip
    parser.set_defaults(func=handler)
    return parser


def read_config(args: argparse.Namespace) -> Config:
    """The config that ``--config`` and ``--set`` name."""
    return load_config(args.config, args.overrides)


def with_classes_said(config: Config) -> Config:
    """The config with its classes; where it names none, those of the set are said and taken.

    Where no set or no box is yet, the config stays as it is: any class is legal then.
    """
    from sparrow.data.formats.csv import table_paths
    from sparrow.data.ingest.set_classes import read_set_classes

    if config.data.classes or not table_paths(Path(config.data.root))[1].exists():
        return config
    listed = read_set_classes(config.data)
    if not listed.names:
        return config
    print(*listed.lines, sep="\n", file=sys.stderr)
    return with_values(config, {"data.classes": list(listed.names)})


def terminal_progress(verb: str = "measured") -> Progress:
    """A bar on the terminal; nothing where the output is a file."""
    return show_progress(verb, to=sys.stderr, lines=False)
