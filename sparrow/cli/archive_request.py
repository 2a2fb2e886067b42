"""What a person asks for of an archive, and where its counts go."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from shutil import rmtree

from sparrow.cli.archive_source import S3
from sparrow.cli.count_options import SHARD_PHOTOS
from sparrow.cli.count_output import FORMATS
from sparrow.cli.counted_folder import VisitOptions
from sparrow.inference.tile_choice import Tiles
from sparrow.storage.object_store import INCOMING, ObjectStore, open_store

STATE = "_state"  # readers of Parquet folders pass over names that begin so


@dataclass(frozen=True)
class Request:
    """What a person asks for.

    Attributes:
        photos: files and folders, or one address of S3.
        to: a folder, as a path that ends in / or an address of S3, or a table's file.
        model: a model folder's path or address.
        recursive: look into folders in folders; objects of S3 are all looked at.
        shard_photos: photos that are counted together, and again together.
        tiles: how small objects are looked for.
        options: of times, cameras and visits.
    """

    photos: tuple[str, ...]
    to: str
    model: str
    recursive: bool = False
    shard_photos: int = SHARD_PHOTOS
    tiles: Tiles = None
    options: VisitOptions = field(default_factory=VisitOptions)


@dataclass(frozen=True)
class Destination:
    """Where the result is.

    Attributes:
        folder: its path or address.
        file: a table's name in it; None where there are several files of Parquet.
    """

    folder: str
    file: str | None

    @classmethod
    def parse(cls, to: str) -> Destination:
        """From the text of ``--to``.

        Raises:
            ValueError: it is neither a folder nor a table.
        """
        place = to.rstrip("/") if to.startswith(S3) else os.path.abspath(to)
        folder, _, name = place.rpartition("/")
        if PurePosixPath(name).suffix.lower() in FORMATS and not to.endswith("/"):
            return cls(folder, name)
        if not to.startswith(S3) and not to.endswith("/"):
            raise ValueError(
                f"--to {to}: expected a name ending in {', '.join(FORMATS)}, or in / for a folder"
            )
        return cls(place, None)

    @property
    def state_name(self) -> str:
        """The folder of plan, shards and model, below ``folder``, while it is counted."""
        return STATE if self.file is None else f"{self.file}.state"

    @property
    def state(self) -> str:
        """Path or address of the same."""
        return f"{self.folder}/{self.state_name}"

    def holds(self, address: str) -> bool:
        """Whether a file is part of the result or its state."""
        own = self.folder if self.file is None else self.state
        return address.startswith(f"{own}/") or address == f"{self.folder}/{self.file}"

    def store(self) -> ObjectStore:
        """The store of the folder, which is made where it is one of this machine."""
        return open_folder(self.folder)

    def remove_state(self) -> None:
        """Remove plan, shards and model.

        Raises:
            StoreError: they cannot be removed.
        """
        if self.folder.startswith(S3):
            store = self.store()
            store.delete(store.sizes(self.state_name))
            return
        rmtree(self.state, ignore_errors=True)
        self.store().clear_incoming()
        with suppress(OSError):  # of another writer
            Path(self.folder, INCOMING).rmdir()


def open_folder(folder: str) -> ObjectStore:
    """The store at a path, which is made, or at an address of S3."""
    if not folder.startswith(S3):
        Path(folder).mkdir(parents=True, exist_ok=True)
    return open_store(folder)
