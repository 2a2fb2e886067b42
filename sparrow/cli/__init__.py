"""The command `sparrow`: one module a subcommand, each with ``register(subparsers)``."""
