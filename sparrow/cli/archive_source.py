"""Where an archive's photos are, a folder or a bucket of S3; what is in it; each photo's bytes.

Both tell photos from other files as ``sparrow.inference.photo_files`` does. An object store has no
folders and no links: all below the prefix is looked at.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from sparrow.cli.count_photos import TOO_LARGE, read_file
from sparrow.cli.counted_folder import name_below, root_of
from sparrow.cli.file_key import FileKey, file_key
from sparrow.images import MAX_FILE_BYTES
from sparrow.inference.photo_files import (
    FoundPhotos,
    ReadHead,
    SkippedFile,
    find_photos,
    is_drawing,
    no_photo,
    set_aside_drawings,
    why_no_photo,
)
from sparrow.photo_names import has_photo_suffix, is_system_name
from sparrow.storage.object_store import (
    ObjectMissingError,
    ObjectRefusedError,
    open_store,
)

LOOKED_AT_ONCE = 32  # objects whose beginning is read at the same time
S3 = "s3://"


class ReadPhoto(NamedTuple):
    """A photo's bytes, or none and the trouble that there was in reading them."""

    content: bytes
    trouble: str | None = None


class ArchivedPhoto(NamedTuple):
    """A photo to be counted: its name below the archive, and what tells that it is this one."""

    name: str
    key: FileKey | None


@dataclass(frozen=True)
class ArchiveListing:
    """All that is in an archive.

    Attributes:
        photos: to be counted, in the order of the table.
        left_out: what is not counted, under names below the archive; its ``photos`` are none.
    """

    photos: list[ArchivedPhoto]
    left_out: FoundPhotos


class Source(Protocol):
    """An archive.

    Attributes:
        root: the folder that names are below, or the prefix's last part.
    """

    root: Path

    def listing(self, own: Callable[[str], bool]) -> ArchiveListing:
        """What is in it.

        Args:
            own: whether an address is that of a file which the count itself writes.

        Raises:
            ValueError: there is no photo.
            StoreError: it cannot be listed.
        """

    def address(self, name: str) -> str:
        """Where a photo is, for people and for the journal."""

    def read(self, photo: ArchivedPhoto) -> ReadPhoto:
        """A photo's bytes; one that is damaged, gone or refused says so in the answer.

        Raises:
            StoreError: the archive cannot be reached, which is no fault of the photo.
        """


def open_source(places: Sequence[str], *, recursive: bool) -> Source:
    """The archive at one address of S3, or in files and folders.

    Raises:
        ValueError: addresses of S3 beside other places.
        StoreError: an address that cannot be used.
    """
    if not any(place.startswith(S3) for place in places):
        return FolderSource([Path(place) for place in places], recursive=recursive)
    if len(places) > 1:
        raise ValueError(
            f"{', '.join(places)}: expected one address of S3, or files and folders; count each by "
            "itself, or the prefix that all have in common"
        )
    return BucketSource(places[0])


class FolderSource:
    """Files of this machine, or of a share that all workers see under the same path."""

    def __init__(self, places: Sequence[Path], *, recursive: bool) -> None:
        """Name the places; nothing is read yet."""
        self._places, self._recursive = places, recursive
        self.root = root_of(places)

    def listing(self, own: Callable[[str], bool]) -> ArchiveListing:
        """See ``Source``."""
        all_files = find_photos(self._places, recursive=self._recursive)
        left_out = FoundPhotos(system=all_files.system, own=all_files.own)
        left_out.twice = [Path(self._name(path)) for path in all_files.twice]
        left_out.closed = [Path(self._name(path)) for path in all_files.closed]
        for file in all_files.skipped:
            if own(os.path.abspath(file.path)):
                left_out.own.append(file.path)
            else:
                left_out.skipped.append(SkippedFile(Path(self._name(file.path)), file.reason))
        photos = [ArchivedPhoto(self._name(path), file_key(path)) for path in all_files.photos]
        return ArchiveListing(photos, left_out)

    def address(self, name: str) -> str:
        """See ``Source``."""
        return os.path.realpath(self.root / name)

    def read(self, photo: ArchivedPhoto) -> ReadPhoto:
        """See ``Source``."""
        content, trouble, _ = read_file(self.root / photo.name)
        if trouble is not None and not self.root.is_dir():
            raise ObjectMissingError(
                f"{self.root} is not there: the photos that were found in it cannot be read"
            )
        return ReadPhoto(content, trouble)

    def _name(self, path: Path) -> str:
        return name_below(path, self.root)


class BucketSource:
    """Objects below a prefix of S3."""

    def __init__(self, url: str) -> None:
        """Open the store; raises as ``open_store``."""
        self._url, self._store = url.rstrip("/"), open_store(url)
        self.root = Path(PurePosixPath(self._url.removeprefix(S3)).name)

    def listing(self, own: Callable[[str], bool]) -> ArchiveListing:
        """See ``Source``."""
        objects, listing = self._store.sizes_and_times(""), FoundPhotos()
        system, names = set[str](), list[str]()
        for name in sorted(objects, key=lambda name: name.split("/")):
            if own(self.address(name)):
                listing.own.append(Path(name))
            elif (kept := _system_part(name)) is not None:
                system.add(kept)
            elif PurePosixPath(name).as_posix() != name:
                reason = "its name has an empty part or a dot, which no path has"
                listing.skipped.append(SkippedFile(Path(name), reason))
            else:
                names.append(name)
        listing.system.extend(map(Path, sorted(system)))
        self._sort_out(names, listing)
        set_aside_drawings(listing, self._sha256)
        if not listing.photos:
            raise ValueError(no_photo([self._url], listing))
        photos = [
            ArchivedPhoto(path.as_posix(), [*objects[path.as_posix()], 0])
            for path in listing.photos
        ]
        listing.photos = []
        return ArchiveListing(photos, listing)

    def address(self, name: str) -> str:
        """See ``Source``."""
        return f"{self._url}/{name}"

    def read(self, photo: ArchivedPhoto) -> ReadPhoto:
        """See ``Source``."""
        if photo.key is not None and photo.key[0] > MAX_FILE_BYTES:
            return ReadPhoto(b"", TOO_LARGE)
        try:
            return ReadPhoto(self._store.read(photo.name))
        except (ObjectMissingError, ObjectRefusedError) as error:
            return ReadPhoto(b"", str(error))

    def _sort_out(self, names: Collection[str], listing: FoundPhotos) -> None:
        with ThreadPoolExecutor(LOOKED_AT_ONCE) as threads:
            for name, (mine, reason) in zip(names, threads.map(self._what, names), strict=True):
                if mine:
                    listing.own.append(Path(name))
                elif reason is not None:
                    listing.skipped.append(SkippedFile(Path(name), reason))
                else:
                    listing.photos.append(Path(name))

    def _what(self, name: str) -> tuple[bool, str | None]:
        """Whether an object is a drawing, else why it is no photo."""
        last, read = PurePosixPath(name).name, self._head_of(name)
        return is_drawing(last, read), why_no_photo(last, read)

    def _head_of(self, name: str) -> ReadHead:
        def read(number: int) -> bytes:
            try:
                return self._store.read(name, number)
            except ObjectMissingError:
                raise FileNotFoundError(2, "it has gone meanwhile", name) from None
            except ObjectRefusedError:
                raise PermissionError(13, "Permission denied", name) from None

        return read

    def _sha256(self, path: Path) -> str:
        if not has_photo_suffix(path.name):
            return ""
        content, _ = self.read(ArchivedPhoto(path.as_posix(), None))
        return hashlib.sha256(content).hexdigest() if content else ""


def _system_part(name: str) -> str | None:
    """The file or folder of a system that an object is, or is in; None where there is none."""
    parts = name.split("/")
    for number, part in enumerate(parts, 1):
        if is_system_name(part):
            return "/".join(parts[:number])
    return None
