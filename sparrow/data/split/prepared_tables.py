"""The split's tables in ``data.prepared``, and the note that says whose they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sparrow.atomic_file import write_atomic

NOTE = "tables.json"


@dataclass(frozen=True)
class TablesOwner:
    """Whose split some tables hold.

    Attributes:
        name: of the config.
        root: folder of the photos.
        data_version: of the set that was split.
    """

    name: str
    root: str
    data_version: str

    def words(self) -> str:
        """One line for people."""
        return f"{self.name} ({self.root}, data version {self.data_version})"


def write_prepared_tables(folder: Path, tables: Mapping[str, str], owner: TablesOwner) -> list[str]:
    """Write the tables of a split; lines that say where they are and whose they replaced.

    Each file is replaced in one move. The note comes last and holds each table's SHA-256: tables
    that do not match it are of a write that was interrupted. Tables of the same config and photos
    are replaced without a word, those of another with one: configs that share a ``data.prepared``
    share its tables. The tables are a by-product; a folder that cannot be written (full, read-only)
    ends no run.

    Args:
        folder: made on demand.
        tables: text by file name.
    """
    before = read_owner(folder)
    texts = {name: text.encode() for name, text in tables.items()}
    hashes = {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
    note = json.dumps(asdict(owner) | {"sha256": hashes}, indent=1) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in {**texts, NOTE: note.encode()}.items():
            write_atomic(folder / name, content)
    except OSError as error:
        return [f"{', '.join(tables)} were not written to {folder}: {error}"]
    lines = [f"tables of the split: {folder}/{', '.join(tables)}"]
    if before is not None and (before.name, before.root) != (owner.name, owner.root):
        lines.append(
            f"They replaced those of {before.words()}; to keep both, give each config a "
            "data.prepared of its own."
        )
    return lines


def read_owner(folder: Path) -> TablesOwner | None:
    """Whose tables a folder holds; None where there are none, or no legible note."""
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        return TablesOwner(str(note["name"]), str(note["root"]), str(note["data_version"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
