"""Names alone: what is a photo, what is something else, what a system keeps."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from sparrow.image_formats import HEIF_FORMATS, SUFFIXES
from sparrow.photo_names import (
    OTHER_KINDS,
    PHOTO_SUFFIXES,
    has_photo_suffix,
    is_system_name,
    is_system_path,
    other_kind,
)


@pytest.mark.parametrize(
    "name", ["a.jpg", "A.JPE", "b.JFIF", "c.HeIc", "d.hif", "e.avif", "f.tar.png", ".hidden.jpg"]
)
def test_a_photo_by_its_suffix(name: str) -> None:
    assert has_photo_suffix(name)
    assert other_kind(name) is None


@pytest.mark.parametrize("name", ["", "jpg", ".jpg", "a.jpg.txt", "a.jpgx", "a.jpg~"])
def test_no_photo_by_its_suffix(name: str) -> None:
    assert not has_photo_suffix(name)


def test_every_format_that_is_read_has_a_suffix_and_no_suffix_has_two_meanings() -> None:
    assert set(SUFFIXES.values()) <= set(PHOTO_SUFFIXES)
    assert set(HEIF_FORMATS) <= set(SUFFIXES)
    assert not set(PHOTO_SUFFIXES) & set(OTHER_KINDS)
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in OTHER_KINDS)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("IMG.CR2", "a RAW photo"), ("x.cr3", "a RAW photo"), ("x.Dng", "a RAW photo"),
        ("x.MOV", "a video"), ("x.pdf", "a PDF"), ("x.xmp", "text or notes"),
        ("x.csv", "a table"), ("x.zip", "an archive"), ("x.jpg_original", "a preview, a backup"),
        ("x.jp2", "a picture of a format"),
    ],
)  # fmt: skip
def test_what_else_a_file_is(name: str, kind: str) -> None:
    assert (other_kind(name) or "").startswith(kind)


@pytest.mark.parametrize(
    "name",
    [
        "._IMG_1.JPG", ".DS_Store", "Thumbs.db", "THUMBS.DB", "desktop.ini", "@eaDir", ".Trash",
        ".Trash-1000", ".Trashes", "$RECYCLE.BIN", "$Recycle.Bin", "System Volume Information",
        "__MACOSX", "lost+found", ".@__thumb", "#recycle", ".thumbnails", ".git",
    ],
)  # fmt: skip
def test_names_of_the_system(name: str) -> None:
    assert is_system_name(name)
    assert is_system_path(PurePath("2024", name, "a.jpg"))


@pytest.mark.parametrize("name", ["trash", ".hidden", "_a.jpg", "recycle", "thumbs", "a.ds_store"])
def test_names_of_people(name: str) -> None:
    assert not is_system_name(name)
