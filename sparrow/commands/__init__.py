"""Subcommands of ``sparrow``: ``register(subparsers)`` in each; handlers return the exit code."""
