"""The files of a set that somebody else's tool wrote: one walk, and texts read within bounds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import read_bytes, read_text
from sparrow.data.formats.photo_index import PhotoIndex
from sparrow.photo_names import is_system_name

MAX_FILES = 1_000_000
_HEAD_BYTES = 4096


@dataclass(frozen=True, eq=False)
class SourceFiles:
    """All files anywhere below a folder, but the system's own.

    Attributes:
        root: the folder.
        names: of the files, relative to ``root`` with "/" between folders, sorted.
        named: the one label file to read, where a person named a file and not a folder.
    """

    root: Path
    names: tuple[str, ...]
    named: str | None = None
    # Of XML files the first element, as far as it was looked at; each format asks for it.
    root_tags: dict[str, str | None] = field(default_factory=dict)
    _trees: dict[str, Any] = field(default_factory=dict)  # JSON: whatever the file holds

    @cached_property
    def photos(self) -> PhotoIndex:
        """The photos among them."""
        return PhotoIndex(self.names)

    def path(self, name: str) -> Path:
        """Where a file is."""
        return self.root / name

    def with_suffix(self, *suffixes: str) -> list[str]:
        """Files of these suffixes, whatever their case; of a person's one file that one alone."""
        names = self.names if self.named is None else (self.named,)
        return [name for name in names if PurePosixPath(name).suffix.lower() in suffixes]

    def called(self, *names: str) -> list[str]:
        """Files that are called so, whatever the case and the folder."""
        return [name for name in self.names if PurePosixPath(name).name.lower() in names]

    def text(self, name: str) -> str:
        """A whole UTF-8 file; ``DataError`` where it is none."""
        return read_text(self.root / name)

    def content(self, name: str) -> bytes:
        """A whole file; ``DataError`` where it is too large."""
        return read_bytes(self.root / name)

    def head(self, name: str) -> bytes:
        """The first bytes of a file, to tell what it is."""
        return read_bytes(self.root / name, most=_HEAD_BYTES, whole=False)

    def json(self, name: str) -> Any:
        """What a JSON file holds; it is parsed once.

        Raises:
            DataError: it is none.
        """
        if name not in self._trees:
            try:
                tree = json.loads(self.text(name))
            except (ValueError, RecursionError) as error:
                if isinstance(error, DataError):
                    raise
                raise DataError(f"{self.root / name}: not valid JSON ({error})") from error
            if isinstance(tree, dict) and "imageData" in tree:
                tree["imageData"] = None  # LabelMe's: the whole photo, of every file
            self._trees[name] = tree
        return self._trees[name]


def list_source(source: Path, walked: Callable[[int], None] | None = None) -> SourceFiles:
    """Walk a set's folder; a file in its place is the one label file to read.

    Symbolic links to folders are followed, each folder once.

    Raises:
        DataError: there is no such folder, one below cannot be looked into, too many files.
    """
    if not source.exists():
        raise DataError(f"{source}: there is no such folder")
    root, named = source, None
    if not source.is_dir():
        of_annotations = source.parent.name.lower() == "annotations"
        root = source.parent.parent if of_annotations else source.parent
        named = source.relative_to(root).as_posix()
    names: list[str] = []
    for name in _walk(root):
        names.append(name)
        if len(names) > MAX_FILES:
            raise DataError(f"{root}: more than {MAX_FILES:,} files; import a part of them")
    return SourceFiles(root, tuple(sorted(names)), named)


def _walk(root: Path) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise DataError(
            f"{error.filename}: this folder cannot be read ({error.strerror}); its photos and "
            "labels would be missing"
        )

    been = {os.path.realpath(root)}
    for place, inner, names in os.walk(root, onerror=refuse, followlinks=True):
        inner[:] = sorted(name for name in inner if not is_system_name(name))
        for name in list(inner):
            real = os.path.realpath(os.path.join(place, name))
            if real in been:
                inner.remove(name)
            been.add(real)
        folder = PurePosixPath(Path(place).relative_to(root).as_posix())
        yield from (str(folder / name) for name in names if not is_system_name(name))
