"""``sparrow …``: count, serve the page, import, export, generate, promote, roll back, inspect."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

import sparrow
from sparrow.shipped import install_command
from sparrow.telemetry import switch_off

DESCRIPTION = "Detect and count objects in photos: anything one can draw a box around."

# Each module has ``register(subparsers)`` and imports what is heavy only when it is called. Beside
# it is the extra that its libraries come with.
COMMANDS = {
    "count": "data",  # for Parquet; nothing else of it needs an extra
    "watch": "watch",
    "page": "serve",
    "evaluate": "data",
    "status": "train",
    "clean": "train",
    "data": "data",
    "imports": "data",
    "export": "data",
    "generate": "data",
    "models": "train",
    "shadow": "train",
    "export_space": "data",
    "review": "train",
    "start": "train",
    "state": "train",
}
OWN = ("sparrow", "service", "monitoring")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        arguments: the command line without the program's name; None reads ``sys.argv``.

    Returns:
        The exit status: 0 done, 1 a fault that the message explains, 2 a wrong command line.
    """
    switch_off()
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser, extras = _make_parser(given[0] if given else "")
    chosen = parser.parse_args(given)
    try:
        return int(chosen.func(chosen))
    except ModuleNotFoundError as error:
        return _say_what_to_install(error, chosen.command, extras[chosen.command])
    except (ValueError, OSError, RuntimeError) as error:
        # Every fault of input in this project is a ValueError that says what to do, and so do the
        # project's own RuntimeErrors; anybody else's is a bug whose traceback is wanted.
        own = type(error).__module__.partition(".")[0] in OWN
        if isinstance(error, RuntimeError) and not own:
            raise
        print(f"sparrow {chosen.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _make_parser(wanted: str) -> tuple[argparse.ArgumentParser, dict[str, str]]:
    """The parser of the wanted subcommand, and the extra that each known one comes with.

    Others are known, too, where that is not one: what they import takes its time.
    """
    parser = argparse.ArgumentParser(prog="sparrow", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=sparrow.__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    extras: dict[str, str] = {}
    for name in sorted(COMMANDS, key=lambda name: name != wanted):  # that first, if it is one
        importlib.import_module(f"sparrow.cli.{name}").register(subparsers)
        extras |= {own: COMMANDS[name] for own in subparsers.choices if own not in extras}
        if wanted in subparsers.choices:
            break
    return parser, extras


def _say_what_to_install(error: ModuleNotFoundError, command: str, extra: str) -> int:
    library = (error.name or "").partition(".")[0]
    if library in ("", *OWN):
        raise error
    print(
        f"sparrow {command}: this needs {library}, which is not installed here. It comes with the "
        f"extra {extra!r}: {install_command(extra)}",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
