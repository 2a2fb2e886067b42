"""Where the photos of the page are: uploaded files, and a local folder that the service names.

Of the local folder only what lies below it is read, wherever links lead to. It is checked on the
open file, so that a link which is exchanged between check and reading does no harm.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sparrow.photo_names import PHOTO_SUFFIXES, has_photo_suffix, is_system_name, other_kind
from sparrow.regular_file import open_regular

MAX_LISTED = 1000  # photos of one folder; a page with more is no page for people
MAX_LOOKED_AT = 100_000  # files and folders, so that no request walks through a whole disk
OUTSIDE = "it is not below the folder that this service may show"


@dataclass(frozen=True)
class PhotoFile:
    """A photo's file.

    Attributes:
        path: absolute.
        name: what the visitor calls it.
        root: whatever is read must lie below it; None for an uploaded file.
    """

    path: Path
    name: str
    root: Path | None = None

    def read(self, max_bytes: int) -> bytes:
        """Its bytes.

        Raises:
            OSError: it is gone, or no regular file.
            ValueError: it is larger, or not below ``root``.
        """
        with open_regular(self.path) as file:
            opened = os.fstat(file.fileno())
            if self.root is not None:
                real = self.path.resolve(strict=True)
                if self.root not in real.parents or not os.path.samestat(opened, real.stat()):
                    raise ValueError(f"{self.name} cannot be read: {OUTSIDE}")
            content = file.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise ValueError(f"{self.name} is larger than {max_bytes / 1e6:g} MB")
        return content


@dataclass(frozen=True)
class FolderListing:
    """What is below a folder: every file is a photo or is counted among the others.

    Attributes:
        photos: paths below the root, with ``/``, sorted.
        skipped: kind -> number of files that are no photos.
    """

    photos: list[str]
    skipped: dict[str, int]


def local_photo(root: Path, name: str) -> PhotoFile:
    """A photo of the local folder; that it lies below the root is checked when it is read."""
    return PhotoFile(root / _inside(root, name), name, root)


def list_folder(root: Path, name: str) -> FolderListing:
    """The photos of a folder and of those within it; links to folders are not followed.

    Args:
        root: as it is configured, resolved.
        name: of the folder below it, with ``/``; empty for the root itself.

    Raises:
        ValueError: there is no such folder below the root, it cannot be read, holds no photo, or
            more than ``MAX_LISTED``.
    """
    try:
        folder = (root / _inside(root, name)).resolve(strict=True)
    except (OSError, RuntimeError) as error:  # a link in a circle is a RuntimeError
        raise ValueError(f"There is no folder {name!r} below {root.name}") from error
    if folder != root and root not in folder.parents:
        raise ValueError(f"{name!r} cannot be read: {OUTSIDE}")
    if not folder.is_dir():
        raise ValueError(f"{name!r} is not a folder")
    photos, skipped = _walk(root, folder)
    if len(photos) > MAX_LISTED:
        raise ValueError(
            f"{name or root.name} holds {len(photos)} photos; the page takes {MAX_LISTED}. Name a "
            "folder within it, or count them all with `sparrow count FOLDER -r`"
        )
    if not photos:
        raise ValueError(
            f"There is no photo in {name or root.name} (looked for {', '.join(PHOTO_SUFFIXES)})"
        )
    return FolderListing(sorted(photos), dict(sorted(skipped.items())))


def _inside(root: Path, name: str) -> Path:
    """A path below the root as it is written; where its links lead is checked by the caller."""
    path = Path(name)
    if "\0" in name or path.is_absolute() or path.drive or ".." in path.parts:
        raise ValueError(f"Expected a path below {root.name}, found {name[:100]!r}")
    return path


def _walk(root: Path, folder: Path) -> tuple[list[str], Counter[str]]:
    photos, skipped, looked_at = list[str](), Counter[str](), 0
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not is_system_name(name))
        linked = [name for name in folders if os.path.islink(os.path.join(place, name))]
        skipped.update("a link to a folder" for _ in linked)
        looked_at += len(files) + len(folders)
        if looked_at > MAX_LOOKED_AT:
            raise ValueError(
                f"{folder.name} holds more than {MAX_LOOKED_AT:,} files; name a folder within it"
            )
        for name in files:
            if is_system_name(name):
                continue
            if has_photo_suffix(name):
                photos.append(Path(place, name).relative_to(root).as_posix())
            else:
                skipped[other_kind(name) or "no photo by its name"] += 1
    return photos, skipped


def _refuse(error: OSError) -> None:
    where = Path(error.filename or "").name
    raise ValueError(f"The folder {where!r} cannot be read: {error.strerror}") from error
