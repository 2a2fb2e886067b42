"""Which photo a name means that some tool wrote: a path, a base name, a stem, a URL.

From the strict to the loose, the first way that leads to any photo decides: in the folders where
the label file says photos are, then by as many folders of the name as fit; in each by the name as
it is, in Unicode's normal form, without regard to case; at last without what Label Studio put
before it. A way that leads to several photos is an error, never a choice.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import product
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from sparrow.data.errors import DataError
from sparrow.data.formats.described import PhotoName
from sparrow.photo_names import has_photo_suffix
from sparrow.plain_text import readable_name

_DRIVE = re.compile(r"^[A-Za-z]:(?=/)")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
_LABEL_STUDIO = re.compile(r"^[0-9a-f]{8}-(?=.)")  # put before the name of an uploaded file
_NOT_UPLOADED = re.compile(r"[^-\w.]")  # signs that it drops from that name; a space becomes "_"

_Parts = tuple[str, ...]  # folders and file name of a path


def _as_it_is(text: str) -> str:
    return text


def _normal_form(text: str) -> str:
    return unicodedata.normalize("NFC", readable_name(text))


def _small(text: str) -> str:
    return _normal_form(_normal_form(text).casefold())


SPELLINGS: tuple[Callable[[str], str], ...] = (_as_it_is, _normal_form, _small)


class PhotoIndex:
    """The photos of a set by their names.

    Args:
        names: of all files of the set, relative with "/" between folders. Files without a photo's
            suffix are found only by their exact path: a table may name them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(name for name in names if has_photo_suffix(name))
        self._files = frozenset(names)
        self._folders = _folder_ends(self.names)
        # Of each spelling: the last part of a path, with and without suffix -> the paths.
        self._by_last = [_by_last(self.names, spell, stem=False) for spell in SPELLINGS]
        self._by_stem = [_by_last(self.names, spell, stem=True) for spell in SPELLINGS]

    def find(self, name: PhotoName) -> str | None:
        """The photo that a name means, None where it means none.

        Raises:
            DataError: several photos fit; all are named.
        """
        ways = [
            lambda parts: self._in_folders(name, parts) or self._anywhere(parts, name.is_stem),
            lambda parts: self._uploaded(parts[-1], name.is_stem),
        ]
        for find, parts in product(ways, list(readings(name.text))):
            photos = find(parts)
            if len(photos) > 1:
                shown = ", ".join(repr(photo) for photo in sorted(photos)[:5])
                raise DataError(
                    f"the name {name.text!r} fits {len(photos)} photos: {shown}; expected one: "
                    "rename them, or write the folder before the name"
                )
            if photos:
                return photos[0]
        return None

    def _uploaded(self, last: str, is_stem: bool) -> list[str]:
        """Photos that Label Studio calls so, once they were uploaded to it."""
        if not _LABEL_STUDIO.match(last):
            return []
        stem, suffix = (last, "") if is_stem else (_stem(last), PurePosixPath(last).suffix)
        return [
            photo
            for photo in self._by_upload.get(_normal_form(_LABEL_STUDIO.sub("", stem)), ())
            if is_stem or PurePosixPath(photo).suffix.lower() == suffix.lower()
        ]

    @cached_property
    def _by_upload(self) -> dict[str, list[str]]:
        """What is left of a photo's stem when it is uploaded to Label Studio -> the photos."""
        table: dict[str, list[str]] = defaultdict(list)
        for name in self.names:
            table[_NOT_UPLOADED.sub("", _normal_form(_stem(name)).replace(" ", "_"))].append(name)
        return dict(table)

    def _in_folders(self, name: PhotoName, parts: _Parts) -> list[str]:
        """Photos of exactly this path below one of the folders that the label file points to."""
        for folder in name.folders:
            path = (*PurePosixPath(folder).parts, *parts)
            if not name.is_stem and "/".join(path) in self._files:
                return ["/".join(path)]
            for level in range(len(SPELLINGS)):
                photos = self._ending_in(path, level, name.is_stem)
                if inside := [p for p in photos if p.count("/") == len(path) - 1]:
                    return inside
        return []

    def _anywhere(self, parts: _Parts, is_stem: bool) -> list[str]:
        """Photos whose path ends in as much of the name as any does."""
        stem = parts[-1] if is_stem or not has_photo_suffix(parts[-1]) else _stem(parts[-1])
        by_stem, by_name = ((*parts[:-1], stem), True), (parts, False)
        for ends, without_suffix in (by_stem, by_name) if is_stem else (by_name, by_stem):
            for length in range(len(ends), 0, -1):
                for level in range(len(SPELLINGS)):
                    if photos := self._ending_in(ends[-length:], level, without_suffix):
                        return photos
                told = tuple(map(_small, ends[-length:-1]))
                if told in self._folders:
                    # The folder that the name tells is there: elsewhere would be another photo.
                    if photos := self._below(told, ends[-1], without_suffix):
                        return photos
                    break
        return []

    def _below(self, folder: _Parts, last: str, without_suffix: bool) -> list[str]:
        """Photos of this name in a folder anywhere below ``folder`` (in small letters)."""
        for level in range(len(SPELLINGS)):
            photos = [
                photo
                for photo in self._ending_in((last,), level, without_suffix)
                if _holds(tuple(map(_small, photo.split("/")[:-1])), folder)
            ]
            if photos:
                return photos
        return []

    def _ending_in(self, ends: _Parts, level: int, without_suffix: bool) -> list[str]:
        spell = SPELLINGS[level]
        table = self._by_stem if without_suffix else self._by_last
        folders = [spell(part) for part in ends[:-1]]
        return [
            photo
            for photo in table[level].get(spell(ends[-1]), ())
            if not folders or [spell(p) for p in photo.split("/")[-len(ends) : -1]] == folders
        ]


def readings(text: str) -> Iterator[_Parts]:
    """What a name may mean, as folders and file name, the most literal first."""
    tried = set()
    for path in _paths(text):
        # What is above the last ".." is elsewhere: "../label/12.jpg" is "label/12.jpg".
        parts = tuple(part for part in path.split("/") if part not in ("", ".", ".."))
        bare = tuple(part.strip() for part in parts)
        for reading in (parts, bare, (*bare[:-1], _LABEL_STUDIO.sub("", bare[-1]))) if bare else ():
            if reading not in tried and all(reading):
                tried.add(reading)
                yield reading


def _paths(text: str) -> Iterator[str]:
    """The text as a path with "/": as it is, without address and drive, without escapes."""
    plain = _DRIVE.sub("", text.replace("\\", "/"))
    if _SCHEME.match(text) or "?d=" in text:
        with contextlib.suppress(ValueError):  # no address after all
            address = urlsplit(text)
            yield from parse_qs(address.query).get("d", ())
            yield from (address.path, unquote(address.path))
    yield from (plain, unquote(plain))


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _holds(path: _Parts, folder: _Parts) -> bool:
    """Whether the folders of a path hold those of ``folder``, one after the other."""
    starts = range(len(path) - len(folder) + 1)
    return any(path[start : start + len(folder)] == folder for start in starts)


def _folder_ends(names: Sequence[str]) -> set[_Parts]:
    """Of all folders that hold photos, how their paths end: ("a", "b") and ("b",) of "a/b"."""
    folders = {tuple(map(_small, name.split("/")[:-1])) for name in names}
    return {parts[start:] for parts in folders for start in range(len(parts))}


def _by_last(
    names: Sequence[str], spell: Callable[[str], str], *, stem: bool
) -> dict[str, list[str]]:
    table = defaultdict(list)
    for name in names:
        last = PurePosixPath(name)
        table[spell(last.stem if stem else last.name)].append(name)
    return dict(table)
