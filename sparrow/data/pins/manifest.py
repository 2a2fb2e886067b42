"""The list of a state's files with the SHA-256 of each: what a pointer names by its own SHA-256.

It also carries what a set knows of its past: the log of versions, their tables, photos no longer
in use, and the split that each photo was assigned to.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.ingest.versions import HISTORY

MANIFESTS = f"{HISTORY}/manifests"
FORMAT = 1


@dataclass(frozen=True, order=True)
class FileEntry:
    """One file of a state: path below the set's folder with ``/``, SHA-256 (hex), bytes."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """A state of a set.

    Attributes:
        version: the data version.
        photos, boxes: how many.
        files: photos and tables, everything but ``history/``; sorted.
        past: files of ``history/`` that go along: tables of versions, photos no longer in use.
        log: lines of the log of versions.
        assignments: split by the SHA-256 of the photo.
        classes: as recorded for configs that name none (``set_classes``); empty where none are.
    """

    version: str
    photos: int
    boxes: int
    files: tuple[FileEntry, ...]
    past: tuple[FileEntry, ...] = ()
    log: tuple[dict[str, Any], ...] = ()  # of JSON
    assignments: Mapping[str, str] | None = None
    classes: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """As it is stored: the same state gives the same bytes on every machine."""
        values = asdict(self)
        if not self.classes:  # as before there was such a list: a state keeps its name
            del values["classes"]
        return (json.dumps({"format": FORMAT, **values}) + "\n").encode()

    def contents(self) -> dict[str, FileEntry]:
        """An entry for each content, by SHA-256."""
        return {entry.sha256: entry for entry in (*self.past, *self.files)}


def sha256_hex(content: bytes) -> str:
    """SHA-256 of a content, in hex."""
    return hashlib.sha256(content).hexdigest()


def parse_manifest(content: bytes, sha256: str, where: str) -> Manifest:
    """A manifest from its bytes.

    Args:
        content: as ``to_bytes`` made it.
        sha256: what the pointer says.
        where: for messages.

    Raises:
        DataError: the bytes are not those that the pointer means, or not a manifest.
    """
    if sha256_hex(content) != sha256:
        raise DataError(f"{where}: damaged: its SHA-256 is {sha256_hex(content)}, not its name")
    try:
        values = json.loads(content)
        if values.pop("format") != FORMAT:
            raise ValueError("a later version of Sparrow made it; update")
        for name in ("files", "past"):
            values[name] = tuple(_entry(**entry) for entry in values[name])
        values["classes"] = _class_names(values.get("classes", []))
        return Manifest(**{**values, "log": tuple(values["log"])})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{where}: not a list of files that can be used: {error}") from error


def _class_names(names: object) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"expected names of classes, found {names!r}")
    return tuple(names)


def _entry(path: str, sha256: str, bytes: int) -> FileEntry:
    """One entry, whose path stays below the set and whose content has a name that can be one."""
    parts = Path(path).parts
    if not parts or Path(path).anchor or ".." in parts or "\0" in path:
        raise ValueError(f"{path!r} leads out of the set")
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"{path!r}: expected a SHA-256, found {sha256!r}")
    return FileEntry(path, sha256, bytes)


def manifest_path(root: Path, sha256: str) -> Path:
    """Where a set keeps a manifest of its own."""
    return root / MANIFESTS / f"{sha256}.json"


def read_manifest(root: Path, sha256: str) -> Manifest | None:
    """A manifest that the set itself keeps; None where it does not, or where that is damaged."""
    path = manifest_path(root, sha256)
    try:
        return parse_manifest(path.read_bytes(), sha256, str(path))
    except (OSError, DataError):
        return None


def kept_manifests(root: Path) -> Iterable[Manifest]:
    """All sound manifests that the set keeps, the newest first."""
    paths = sorted(
        (root / MANIFESTS).glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for path in paths:
        if manifest := read_manifest(root, path.stem):
            yield manifest
