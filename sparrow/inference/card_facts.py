"""What the card of a model says of its folder."""

from __future__ import annotations

from pathlib import Path

from sparrow.inference.model_folder import ENGINE

# The row of the card for what a folder cannot know: its number, and whether it is champion.
UNREGISTERED = "| version | given when it is registered; `sparrow history` tells the champion |"


def version_row(version: str, state: str = "") -> str:
    """What takes the place of ``UNREGISTERED`` where a version's number is known."""
    return f"| version | {version}{f', {state}' if state else ''} |"


def engine_mb(folder: Path) -> float:
    """Size of the engine, the file that is loaded to count, in megabytes (10**6 bytes)."""
    return (folder / ENGINE).stat().st_size / 1e6
