"""Which files of the places that a person names are photos, and what all the others are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sparrow.image_formats import HEAD_BYTES, begins_as_photo
from sparrow.photo_names import (
    COPIES,
    PHOTO_SUFFIXES,
    RAW_SUFFIXES,
    has_photo_suffix,
    is_system_name,
    other_kind,
)
from sparrow.regular_file import open_regular, sha256_of

DRAWING_MARK = b"drawn by sparrow count"  # a comment in the JPEG, so that none is counted again
_DRAWING_NAME = re.compile(r"-[0-9a-f]{8}\.jpg\Z")
_MARK_WITHIN = 512  # bytes of a file

ReadHead = Callable[[int], bytes]  # gives so many bytes from a file's beginning


@dataclass(frozen=True)
class SkippedFile:
    """A file that is no photo to count, or a folder that was looked into already, and why."""

    path: Path
    reason: str


@dataclass
class FoundPhotos:
    """Every file of the places named is in exactly one of these.

    Attributes:
        photos: to be counted, sorted within each place. A folder that cannot be looked into is
            among them: counting it tells why.
        skipped: RAW, video and whatever else is no photo that is read.
        twice: files that were reached a second time, by another name or a link.
        own: what this program wrote itself: drawings, and the files that the caller named.
        system: files and folders that a system keeps; the folders are not looked into.
        closed: folders within a folder, which only ``recursive`` looks into.
    """

    photos: list[Path] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    twice: list[Path] = field(default_factory=list)
    own: list[Path] = field(default_factory=list)
    system: list[Path] = field(default_factory=list)
    closed: list[Path] = field(default_factory=list)


def find_photos(
    sources: Sequence[Path], *, recursive: bool, own: Collection[Path] = ()
) -> FoundPhotos:
    """Photos by name and by content; each file once, whatever links lead to it.

    A file that a person names is a photo; of a folder those with a photo's suffix, and those
    of another or no suffix that begin as a photo does. Folders behind symbolic links are looked
    into after the others, each once.

    Args:
        sources: files and folders.
        recursive: look into folders within folders.
        own: files that are about to be written, which are no photos.

    Raises:
        ValueError: no photo at all; the message says what is there instead.
    """
    search = _Search(recursive, {os.path.realpath(path) for path in own})
    for source in sources:
        if source.is_dir():
            search.look_through(source)
        else:
            search.take(source, named=True)
    set_aside_drawings(search.listing, _sha256)
    if not search.listing.photos:
        raise ValueError(no_photo(sources, search.listing))
    return search.listing


def why_not_counted(path: Path) -> str | None:
    """Why a file of a folder is no photo to count, by name and content; None where it is one."""
    read = _head_of(path)
    drawing = is_drawing(path.name, read)
    return "a drawing of sparrow count" if drawing else why_no_photo(path.name, read)


class _Search:
    def __init__(self, recursive: bool, own: set[str]) -> None:
        self.listing = FoundPhotos()
        self._recursive, self._own = recursive, own
        self._folders: set[tuple[int, int]] = set()
        self._files: set[str] = set()

    def look_through(self, folder: Path) -> None:
        """Take the files of a folder, and of those within it."""
        first, unread = len(self.listing.photos), list[Path]()
        folders, links = [folder], list[Path]()
        while folders or links:
            place = folders.pop() if folders else links.pop(0)
            try:
                status = place.stat()
                entries = sorted(os.scandir(place), key=lambda entry: entry.name)
            except OSError:
                unread.append(place)
                continue
            if (status.st_dev, status.st_ino) in self._folders:
                again = "a folder that was looked into already, behind a link or named twice"
                self.listing.skipped.append(SkippedFile(place, again))
                continue
            self._folders.add((status.st_dev, status.st_ino))
            inner, linked = self._take_all(place, entries)
            folders += reversed(inner)
            links += linked
        self.listing.photos[first:] = sorted(self.listing.photos[first:]) + sorted(unread)

    def _take_all(
        self, place: Path, entries: list[os.DirEntry[str]]
    ) -> tuple[list[Path], list[Path]]:
        """The files of a folder; its folders, and its links to folders, are returned."""
        inner, linked = list[Path](), list[Path]()
        for entry in entries:
            path = place / entry.name
            if is_system_name(entry.name):
                self.listing.system.append(path)
            elif not _is_folder(entry):
                self.take(path, named=False)
            elif not self._recursive:
                self.listing.closed.append(path)
            else:
                (linked if entry.is_symlink() else inner).append(path)
        return inner, linked

    def take(self, path: Path, *, named: bool) -> None:
        """One file, to where it belongs."""
        real = os.path.realpath(path)
        read = _head_of(path)
        if real in self._own or (not named and is_drawing(path.name, read)):
            self.listing.own.append(path)
        elif real in self._files:
            self.listing.twice.append(path)
        elif named or (reason := why_no_photo(path.name, read)) is None:
            self._files.add(real)
            self.listing.photos.append(path)
        else:
            self.listing.skipped.append(SkippedFile(path, reason))


def why_no_photo(name: str, read_head: ReadHead) -> str | None:
    """Why a file of a folder is not counted; None where it is, or where that cannot be told.

    Args:
        name: of the file.
        read_head: raises OSError where the file cannot be read.
    """
    if has_photo_suffix(name):
        return None
    kind = other_kind(name)
    if kind == COPIES:  # of a photo, which is there under its own name
        return kind
    try:
        head = read_head(HEAD_BYTES)
    except PermissionError as error:
        return f"{kind} ({error.strerror})" if kind else None  # counting it tells why
    except OSError as error:
        return error.strerror or str(error)
    raw = Path(name).suffix.lower() in RAW_SUFFIXES  # which begin as TIFF, with a preview
    if begins_as_photo(head) and not (raw and head[:2] in (b"II", b"MM")):
        return None
    return kind or ("empty" if not head else "no photo, by its name and its content")


def is_drawing(name: str, read_head: ReadHead) -> bool:
    """Whether a file is a drawing of this program; arguments as of ``why_no_photo``."""
    if not _DRAWING_NAME.search(name):
        return False
    try:
        return DRAWING_MARK in read_head(_MARK_WITHIN)
    except OSError:
        return False


def _head_of(path: Path) -> ReadHead:
    def read(number: int) -> bytes:
        with open_regular(path) as file:
            return file.read(number)

    return read


def set_aside_drawings(listing: FoundPhotos, sha256: Callable[[Path], str]) -> None:
    """Those without the mark, which earlier releases made: their names hold a photo's SHA-256.

    Args:
        listing: whose photos are looked through.
        sha256: of a photo's content; "" where it cannot be read.
    """
    by_stem: dict[str, list[Path]] = {}
    for photo in listing.photos:
        by_stem.setdefault(photo.stem, []).append(photo)
    for photo in [photo for photo in listing.photos if _DRAWING_NAME.search(photo.name)]:
        stem, _, digits = photo.stem.rpartition("-")
        if any(sha256(original).startswith(digits) for original in by_stem.get(stem, ())):
            listing.photos.remove(photo)
            listing.own.append(photo)


def _sha256(photo: Path) -> str:
    try:
        return sha256_of(photo)
    except OSError:
        return ""


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def no_photo(sources: Sequence[Path | str], listing: FoundPhotos) -> str:
    """What to say of places without a photo: what there is instead."""
    parts = [f"no photo in {', '.join(map(str, sources))} (looked for {', '.join(PHOTO_SUFFIXES)}"]
    parts[0] += " and for files that begin as such)"
    if listing.skipped:
        some = [f"{file.path.name} ({file.reason})" for file in listing.skipped[:5]]
        more = f" and {len(listing.skipped) - 5} more" if len(listing.skipped) > 5 else ""
        parts.append(f"there are {', '.join(some)}{more}")
    if listing.own:
        parts.append(f"{len(listing.own)} files are drawings or tables of this program")
    if listing.system:
        parts.append(f"{len(listing.system)} files and folders are the system's own")
    if listing.closed:
        parts.append(
            f"-r looks into folders within folders, of which there are {len(listing.closed)}"
        )
    return "; ".join(parts)
