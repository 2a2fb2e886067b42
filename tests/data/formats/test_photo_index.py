"""One name, one photo: every spelling of tools that leads to exactly one, and what is refused."""

from __future__ import annotations

import unicodedata

import pytest

from sparrow.data.errors import DataError
from sparrow.data.formats.described import PhotoName
from sparrow.data.formats.photo_index import PhotoIndex

NFD = unicodedata.normalize("NFD", "Grünfink süd.jpg")


def find(
    text: str, *names: str, folders: tuple[str, ...] = (), is_stem: bool = False
) -> str | None:
    return PhotoIndex(names).find(PhotoName(text, folders, is_stem))


def test_nothing_is_found_among_nothing() -> None:
    assert find("a.jpg") is None
    assert find("", "a.jpg") is None
    assert find("..", "a.jpg") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("images/a.jpg", "images/a.jpg"),
        ("a.jpg", "images/deep/er/a.jpg"),
        ("site1\\a.jpg", "images/site1/a.jpg"),
        ("..\\label\\12.jpg", "images/12.jpg"),
        ("C:\\Users\\me\\birds\\a.jpg", "images/a.jpg"),
        ("/home/me/birds/a.jpg", "images/a.jpg"),
        ("https://example.org/data/a%20b.jpg?sig=1", "images/a b.jpg"),
        ("file:///home/me/a.jpg", "images/a.jpg"),
        ("IMG%20001%20%282%29.jpg", "images/IMG 001 (2).jpg"),
        ("/data/upload/3/0a1b2c3d-a.jpg", "images/a.jpg"),
        ("/data/local-files/?d=birds/a.jpg", "images/a.jpg"),
        (" a.jpg ", "images/a.jpg"),
        ("Grünfink süd.jpg", f"images/{NFD}"),
        (NFD, "images/Grünfink süd.jpg"),
        ("img_0001.jpg", "images/IMG_0001.JPG"),
        ("c.png", "images/c.jpg"),  # converted since
        ("a", "images/a.jpg"),
    ],
)
def test_what_tools_write(text: str, name: str) -> None:
    assert find(text, "images/other.jpg", name) == name


@pytest.mark.parametrize(
    ("text", "name", "other"),
    [
        ("a.jpg", "images/a.jpg", "images/A.jpg"),  # as it is before without regard to case
        ("site1/a.jpg", "images/site1/a.jpg", "images/site2/a.jpg"),
        ("a%20b.jpg", "images/a%20b.jpg", "images/a b.jpg"),
        ("0a1b2c3d-a.jpg", "images/0a1b2c3d-a.jpg", "images/a.jpg"),
        ("a.jpg", "images/a.jpg", "images/a.png"),
    ],
)
def test_the_strict_way_comes_first(text: str, name: str, other: str) -> None:
    assert find(text, other, name) == name


@pytest.mark.parametrize(
    ("text", "names", "is_stem"),
    [
        ("a.jpg", ("cam1/a.jpg", "cam2/a.jpg"), False),
        ("a", ("images/a.jpg", "images/a.png"), True),
        ("a.JPG", ("images/a.jpg", "images/A.jpg"), False),
    ],
)
def test_several_photos_are_named(text: str, names: tuple[str, ...], is_stem: bool) -> None:
    with pytest.raises(DataError, match="fits 2 photos") as error:
        find(text, *names, is_stem=is_stem)
    assert all(repr(name) in str(error.value) for name in names)


def test_the_label_files_folders_tell_photos_of_one_name_apart() -> None:
    names = ("images/train/a.jpg", "images/val/a.jpg")
    assert find("a.jpg", *names, folders=("labels/val", "images/val")) == names[1]
    assert find("a", *names, folders=("labels/val", "images/val"), is_stem=True) == names[1]


def test_a_folder_that_is_there_and_lacks_the_photo_means_no_other() -> None:
    assert find("site3/a.jpg", "site1/a.jpg", "site3/b.jpg") is None
    assert find("images/a.jpg", "images/cam 1/a.jpg", "images/b.jpg") == "images/cam 1/a.jpg"


def test_files_without_a_photos_suffix_are_found_by_their_path_alone() -> None:
    assert find("20210304", "images/20210304", folders=("images",)) == "images/20210304"
    assert find("20210304", "images/20210304") is None
