"""Watching a model in production: its prediction log against its own reference."""
