"""The file beside a set that git keeps in the set's place: ``data/raw.version`` for ``data/raw``.

A few lines of text, so that a diff shows what became of the data.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.data.errors import DataError, as_data_errors
from sparrow.regular_file import open_regular

ENDING = ".version"
MAX_BYTES = 64 * 1024
_HEAD = (
    "# The state of {name} that this commit works with. `sparrow data pin` writes this file,\n"
    "# `sparrow data pull` brings the state.\n"
)


@dataclass(frozen=True)
class Pointer:
    """What the pointer says of a state.

    Attributes:
        version: the data version, as ``sparrow data log`` has it.
        photos, boxes: how many.
        files, bytes: of photos and tables together.
        manifest: SHA-256 (hex) of the list of all files with the SHA-256 of each.
    """

    version: str
    photos: int
    boxes: int
    files: int
    bytes: int
    manifest: str

    def describe(self) -> str:
        """In one line, for people."""
        return f"{self.version} ({self.photos:,} photos, {self.boxes:,} boxes)"


def pointer_path(root: Path) -> Path:
    """Where the pointer of a set is: beside its folder, which may itself be a link elsewhere."""
    return root.absolute().with_name(root.absolute().name + ENDING)


def write_pointer(root: Path, pointer: Pointer) -> Path:
    """Write it whole or not at all; its path.

    Raises:
        DataError: it cannot be written.
    """
    path = pointer_path(root)
    lines = "".join(f"{name}: {value}\n" for name, value in asdict(pointer).items())
    with as_data_errors("the pointer cannot be written", path):
        write_atomic(path, _HEAD.format(name=root.name) + lines)
    return path


def read_pointer(root: Path) -> Pointer:
    """The pointer of a set.

    Raises:
        DataError: there is none, or it is damaged.
    """
    path = pointer_path(root)
    if not path.exists():
        raise DataError(f"{path}: there is no pointer yet; `sparrow data pin` writes it")
    with as_data_errors("the pointer cannot be read", path), open_regular(path) as file:
        text = file.read(MAX_BYTES).decode("utf-8", "replace")
    if "<<<<<<<" in text:
        raise DataError(
            f"{path}: git could not merge two pointers (<<<<<<<). Keep one of them "
            "(`git checkout --ours` or `--theirs`), or merge the data and `sparrow data pin`"
        )
    pairs = [line.partition(":") for line in text.splitlines() if line and line[0] != "#"]
    values = {name.strip(): value.strip() for name, _, value in pairs}
    try:
        return _parse(values)
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{path}: not a pointer of `sparrow data pin`: {error}; "
            "bring it back by `git checkout`, or pin again"
        ) from error


def _parse(values: dict[str, str]) -> Pointer:
    expected = Pointer.__dataclass_fields__
    if missing := [name for name in expected if name not in values]:
        raise KeyError(f"no line says {', '.join(missing)}")
    for name, digits in (("version", 16), ("manifest", 64)):
        if not re.fullmatch(f"[0-9a-f]{{{digits}}}", values[name]):
            raise ValueError(f"{name}: expected {digits} hex digits, found {values[name]!r}")
    counts = {name: int(values[name]) for name in ("photos", "boxes", "files", "bytes")}
    return Pointer(version=values["version"], manifest=values["manifest"], **counts)
