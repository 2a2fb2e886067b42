"""By its name: which file may be a photo, and which file or folder is the system's own."""

from __future__ import annotations

import os
from pathlib import PurePath

PHOTO_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif",
    ".heic", ".heif", ".hif", ".avif",
)  # fmt: skip

# What systems and NAS boxes leave among photos, in small letters: thumbnails, bins, indices.
_SYSTEM_NAMES = {
    ".ds_store", ".localized", "thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx",
    "@eadir", "@recycle", "#recycle", "$recycle.bin", "recycler", "system volume information",
    ".@__thumb", ".thumbnails", ".spotlight-v100", ".fseventsd", ".temporaryitems", "lost+found",
}  # fmt: skip
_SYSTEM_BEGINNINGS = ("._", ".trash")  # AppleDouble; .Trash, .Trashes, .Trash-1000


def has_photo_suffix(name: str) -> bool:
    """Whether a file of this name may be a photo, whatever the case of its suffix."""
    return PurePath(name).suffix.lower() in PHOTO_SUFFIXES


def readable_name(name: str) -> str:
    """A file's name as text: one that is no UTF-8 is read as Latin-1, in which any byte is a sign.

    Such names are from old disks and archives; no table and no terminal can hold their bytes.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("latin-1")
    return name


def is_system_name(name: str) -> bool:
    """Whether a file or folder of this name is the system's own and never a person's."""
    small = name.lower()
    return small in _SYSTEM_NAMES or small.startswith(_SYSTEM_BEGINNINGS)
