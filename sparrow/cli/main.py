"""``sparrow …``: count, import, export, generate, promote, roll back, inspect."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

import sparrow
from sparrow.telemetry import switch_off

DESCRIPTION = "Detect and count house sparrows, or anything one can draw a box around, in photos."

# Each module has ``register(subparsers)`` and imports what is heavy only when it is called.
COMMANDS = (
    "count", "evaluate", "status", "clean", "data", "exchange", "generate", "models", "shadow",
    "export_space", "review",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        arguments: the command line without the program's name; None reads ``sys.argv``.

    Returns:
        The exit status: 0 done, 1 a fault that the message explains, 2 a wrong command line.
    """
    switch_off()
    parser = argparse.ArgumentParser(prog="sparrow", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=sparrow.__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"sparrow.cli.{name}").register(subparsers)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.func(chosen))
    except (ValueError, OSError, RuntimeError) as error:
        # Every fault of input in this project is a ValueError that says what to do, and so do the
        # project's own RuntimeErrors; anybody else's is a bug whose traceback is wanted.
        own = type(error).__module__.startswith("sparrow.")
        if isinstance(error, RuntimeError) and not own:
            raise
        print(f"sparrow {chosen.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
