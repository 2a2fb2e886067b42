"""``sparrow page``: the page on this machine, in the browser."""

from __future__ import annotations

import argparse
import importlib
import os
from pathlib import Path

from sparrow.served_settings import default_champion
from sparrow.shipped import flow_command, install_command

PORT = 3000


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "page",
        help="serve the page and open it in the browser",
        description="Serve the page and the model behind it on this machine, and open it in the "
        "browser. Ctrl-C ends it. Counts are logged as by any service: the settings are those of "
        "settings.yaml beside the model, or of the YAML file that SPARROW_CONFIG names.",
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="model folder (the champion)")
    parser.add_argument("--port", type=int, default=PORT, help=f"of this machine ({PORT}; 0: any)")
    parser.add_argument("--no-browser", action="store_true", help="print the address alone")
    parser.set_defaults(func=serve_page)


def serve_page(arguments: argparse.Namespace) -> int:
    """Serve until it is stopped."""
    from sparrow.inference.model_folder import read_info

    if arguments.model is not None:
        os.environ["SPARROW_MODEL"] = str(arguments.model)
    else:
        _require_champion()
    if "SPARROW_MODEL" in os.environ:
        read_info(Path(os.environ["SPARROW_MODEL"]))
    # Started, not imported: the library works without the service.
    importlib.import_module("service.standalone").serve(
        port=arguments.port, opens_browser=not arguments.no_browser
    )
    return 0


def _require_champion() -> None:
    """Refuse where neither the environment nor this folder says which model."""
    champion = default_champion()
    if champion.exists() or {"SPARROW_MODEL", "SPARROW_CONFIG"} & os.environ.keys():
        return
    raise ValueError(
        f"there is no model: {champion.absolute()} does not exist. Name a model folder, yours or "
        "one that somebody gave you: sparrow page --model DIR. Or train one here: "
        f"{flow_command('train')} run (with the extra 'train': {install_command('train')})"
    )
