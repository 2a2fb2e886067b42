"""Metaflow's runs in a project folder that was moved or copied: they are read where they are now.

Metaflow notes the whole path of its folder beside each value that a step stored. In a moved folder
no earlier run could be read, so that ``resume`` would find none; in a copied one they would be read
in the original.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from sparrow.atomic_file import write_atomic

PARAMETER = "_parameters/*/_meta/*_artifact_name.json"  # every run has it; it is changed last


def follow_moved_runs(root: Path, flow: str) -> int:
    """Let what is noted of earlier runs lead to this folder; a kill is completed by the next call.

    Args:
        root: Metaflow's folder, as the flow that starts now will note it.
        flow: name of the flow.

    Returns:
        How many runs were read elsewhere before.

    Raises:
        OSError: a note cannot be written.
    """
    followed = 0
    for note in sorted((root / flow).glob(f"[0-9]*/{PARAMETER}")):
        old = _noted_root(note)
        if old is None or os.path.realpath(old) == os.path.realpath(root):
            continue
        if _value_is_here(note, root / flow):
            _follow(note, old, root)
            followed += 1
    return followed


def _follow(last: Path, old: str, root: Path) -> None:
    run = last.parents[3]
    before, after = (json.dumps(path)[1:-1] for path in (old, str(root)))
    notes = [path for path in sorted(run.glob("*/*/_meta/*.json")) if path != last]
    for path in [*notes, last]:
        text = path.read_text(encoding="utf-8")
        changed = text
        for field in ('"location": ":root:{}"', '"value": "{}"'):
            changed = changed.replace(field.format(before), field.format(after))
        if changed != text:
            write_atomic(path, changed)


def _noted_root(note: Path) -> str | None:
    """The folder that a note names; None for one of a store elsewhere, or a damaged one."""
    try:
        values = json.loads(note.read_text(encoding="utf-8"))
        kind, location = values["ds_type"], str(values["location"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    root = location.removeprefix(":root:")
    return root if kind == "local" and os.path.isabs(root) else None


def _value_is_here(note: Path, folder: Path) -> bool:
    sha = str(json.loads(note.read_text(encoding="utf-8")).get("sha", ""))
    return (folder / "data" / sha[:2] / sha).is_file()
