"""The line that trains on a set that was just imported."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import yaml

CONFIG = "configs/own.yaml"
ROOT = Path("data/own/raw")  # ``data.root`` of that config


def next_command(root: Path, classes: Sequence[str]) -> str:
    """``make train CONFIG=configs/own.yaml ARGS="--set 'data.classes=[raccoon]'"``.

    A set beside the config's own folder gets its folders beside it, so that no two sets share what
    is new, rejected or prepared. What make or a shell would take apart goes without make.

    Args:
        root: folder of the set.
        classes: of its boxes; with none the line leaves them to the reader.
    """
    listed = yaml.safe_dump(
        list(classes) or ["NAME"], default_flow_style=True, allow_unicode=True, width=10**6
    ).strip()
    values = [f"data.classes={listed}"]
    if root != ROOT:
        values = [f"data.root={root}", *values]
        values += [
            f"data.{name}={root.with_name(f'{root.name}-{name}')}"
            for name in ("new", "rejected", "prepared")
        ]
    sets = " ".join(f"--set {shlex.quote(value)}" for value in values)
    if set('"$`\\#!') & set(sets) or "'\"" in sets:
        return f"python flows/train.py --config config {CONFIG} run {sets}"
    return f'make train CONFIG={CONFIG} ARGS="{sets}"'
