"""Subcommands of ``sparrow``: each module has ``register(subparsers)``; a handler returns its exit code."""
