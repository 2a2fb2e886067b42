"""Watching a model in production: its prediction log against its own reference."""

METAFLOW_PACKAGE_POLICY = "include"  # a remote step gets the whole package, not only flows/
