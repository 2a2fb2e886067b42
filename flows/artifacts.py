"""The values that a run's finished steps left for the next ones, compared with their hashes.

Metaflow names each stored value by its SHA-1 and never looks again: a damaged one ends the step
that reads it in a traceback, at every resume.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from pathlib import Path

PARAMETERS = "_parameters"  # Metaflow's own step, which holds the command line and the config


def set_damaged_aside(root: Path, flow: str, run_id: str) -> set[str]:
    """Rename the damaged values of a run, so that the step that made them can write them anew.

    Args:
        root: Metaflow's local datastore; where values lie elsewhere, nothing is looked at.

    Returns:
        All steps with a damaged value; the first of them in the flow made it and has to run again.
    """
    checked: dict[str, bool] = {}
    damaged = set()
    for listed in sorted((root / flow / run_id).glob("*/*/*.data.json")):
        step = listed.parts[-3]
        for name in set(_objects(listed)):
            path = root / flow / "data" / name[:2] / name
            if name not in checked:
                checked[name] = _is_whole(path, name)
            if not checked[name]:
                damaged.add(step)
                if path.exists():
                    path.replace(path.with_name(name + ".damaged"))
    return damaged


def _objects(listed: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads(listed.read_text())["objects"].values()]
    except (OSError, ValueError, KeyError, AttributeError):
        return []


def _is_whole(path: Path, sha1: str) -> bool:
    try:
        data, about = path.read_bytes(), path.with_name(path.name + "_meta")
        raw = about.is_file() and json.loads(about.read_text()).get("cas_raw", False)
        value = data if raw else gzip.decompress(data)
    except (OSError, EOFError, zlib.error, ValueError):
        return False
    return hashlib.sha1(value, usedforsecurity=False).hexdigest() == sha1
