"""Pictures by title as files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path


def write_pictures(pictures: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write PNG pictures into ``folder``, each named after its title; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for title, png in pictures.items():
        # A title may be an attribution, and authors choose their names themselves.
        name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:80]
        paths.append(folder / f"{name}.png")
        paths[-1].write_bytes(png)
    return paths
