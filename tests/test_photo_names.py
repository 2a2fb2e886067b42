from __future__ import annotations

import pytest

from sparrow.photo_names import has_photo_suffix, is_system_name


@pytest.mark.parametrize("name", ["a.jpg", "A.JPG", "b.jfif", "c.jpe", "d.HEIC", "e.avif", "f.tif"])
def test_photos(name: str) -> None:
    assert has_photo_suffix(name)


@pytest.mark.parametrize("name", ["", "jpg", "a.txt", "a.jpg.txt", "IMG_0001", "a.cr2", "a.mov"])
def test_no_photos(name: str) -> None:
    assert not has_photo_suffix(name)


@pytest.mark.parametrize(
    "name",
    ["._a.jpg", ".DS_Store", "Thumbs.db", "@eaDir", ".Trash-1000", "$RECYCLE.BIN", "__MACOSX"],
)
def test_what_systems_leave(name: str) -> None:
    assert is_system_name(name)
    assert not is_system_name(f"my{name}")


def test_what_people_name_is_no_system_name() -> None:
    assert not any(map(is_system_name, ("a.jpg", "trash", "recycle", "_a.jpg", "Thumbs", "eaDir")))
