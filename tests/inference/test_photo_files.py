"""Every file of a folder is counted or named, none twice, whatever links and names there are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image
from written_photos import saved

from sparrow.inference.photo_files import DRAWING_MARK, FoundPhotos, find_photos
from sparrow.regular_file import sha256_of

PHOTO = saved(Image.new("RGB", (8, 8), (200, 10, 10)), "JPEG")


def put(path: Path, content: bytes = PHOTO) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(paths: list[Path], home: Path) -> list[str]:
    return [path.relative_to(home).as_posix() for path in paths]


def skipped(listing: FoundPhotos) -> dict[str, str]:
    return {file.path.name: file.reason for file in listing.skipped}


def test_an_empty_folder_is_told_with_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no photo in .*\.heic.* begin as such\)$"):
        find_photos([tmp_path], recursive=True)
    put(tmp_path / "b.mov")
    put(tmp_path / "deep" / "a.jpg")
    (tmp_path / "b.mov").write_bytes(b"\0\0\0\x18ftypqt  ")
    with pytest.raises(ValueError, match=r"there are b.mov \(a video\); -r looks .* there are 1$"):
        find_photos([tmp_path], recursive=False)


def test_photos_by_suffix_and_by_content(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.JFIF", "c", "d.txt", "e.HEIC", "IMG_0011.dat", "f.raw"):
        put(tmp_path / name)
    put(tmp_path / "broken.png", b"no picture")  # a photo by its name: counting it tells
    put(tmp_path / "notes", b"text")
    put(tmp_path / "notes.txt", b"BM is a word")
    put(tmp_path / "empty", b"")
    put(tmp_path / "g.CR2", b"II*\0\x10\0\0\0CR\x02\0")
    put(tmp_path / "h.nef", b"MM\0*" + bytes(40))
    put(tmp_path / "i.THM")  # a preview, whose content is a whole photo
    put(tmp_path / "j.jpg_original")
    listing = find_photos([tmp_path], recursive=True)
    assert names(listing.photos, tmp_path) == [
        "IMG_0011.dat", "a.jpg", "b.JFIF", "broken.png", "c", "d.txt", "e.HEIC", "f.raw",
    ]  # fmt: skip
    reasons = skipped(listing)
    assert reasons.pop("g.CR2") == reasons.pop("h.nef")
    assert reasons.pop("i.THM") == reasons.pop("j.jpg_original")
    assert reasons == {
        "empty": "empty",
        "notes": "no photo, by its name and its content",
        "notes.txt": "text or notes",
    }


def test_what_a_system_keeps_is_no_persons_photo(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg")
    for name in ("._a.jpg", "Thumbs.db", "@eaDir/a.jpg/thumb.jpg", ".Trash-0/files/a.jpg"):
        put(tmp_path / name)
    put(tmp_path / ".hidden" / "b.jpg")  # hidden, but a person's
    listing = find_photos([tmp_path], recursive=True)
    assert names(listing.photos, tmp_path) == [".hidden/b.jpg", "a.jpg"]
    system = {path.name for path in listing.system}
    assert system == {"._a.jpg", ".Trash-0", "@eaDir", "Thumbs.db"}
    assert find_photos([tmp_path / "._a.jpg"], recursive=True).photos  # a person named it


def test_links_are_followed_each_folder_and_file_once(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    put(home / "z" / "a.jpg")
    put(elsewhere / "b.jpg")
    (home / "z" / "loop").symlink_to(home, target_is_directory=True)
    (home / "y").symlink_to("z", target_is_directory=True)  # before z by its name
    (home / "x").symlink_to(elsewhere, target_is_directory=True)
    (home / "c.jpg").symlink_to("z/a.jpg")
    (home / "self").symlink_to("self")
    listing = find_photos([home], recursive=True)
    assert names(listing.photos, home) == ["c.jpg", "x/b.jpg"]
    assert names(listing.twice, home) == ["z/a.jpg"]  # the file that c.jpg is
    assert sorted(skipped(listing)) == ["loop", "self", "y"]


def test_what_is_named_twice_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "a.jpg")
    put(tmp_path / "b.jpg")
    monkeypatch.chdir(tmp_path)
    listing = find_photos(
        [Path("a.jpg"), Path("../" + tmp_path.name), Path("a.jpg")], recursive=False
    )
    assert [path.name for path in listing.photos] == ["a.jpg", "b.jpg"]
    assert len(listing.twice) == 2
    again = find_photos([tmp_path, Path()], recursive=False)
    assert len(again.photos) == 2
    assert len(again.skipped) == 1  # the folder, by its other name


def test_own_files_are_no_photos(tmp_path: Path) -> None:
    photo = put(tmp_path / "a.jpg")
    table = put(tmp_path / "counts.csv", b"file,count\n")
    marked = saved(Image.new("RGB", (8, 8)), "JPEG", comment=DRAWING_MARK)
    put(tmp_path / "drawn" / "gone-0123abcd.jpg", marked)
    # As earlier releases drew, without the mark: the name holds the photo's digest.
    unmarked = saved(Image.new("RGB", (8, 8), "blue"), "JPEG")
    put(tmp_path / "drawn" / f"a-{sha256_of(photo)[:8]}.jpg", unmarked)
    put(tmp_path / "trip-20240101.jpg")  # a person's name of the same form
    listing = find_photos([tmp_path], recursive=True, own=[table])
    assert names(listing.photos, tmp_path) == ["a.jpg", "trip-20240101.jpg"]
    assert len(listing.own) == 3
    assert find_photos([tmp_path / "drawn" / "gone-0123abcd.jpg"], recursive=True).photos


def test_folders_within_are_named_where_they_are_not_looked_into(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg")
    put(tmp_path / "deep" / "b.jpg")
    os.mkfifo(tmp_path / "pipe")
    listing = find_photos([tmp_path], recursive=False)
    assert names(listing.closed, tmp_path) == ["deep"]
    assert skipped(listing) == {"pipe": "this is a pipe, not a file"}
