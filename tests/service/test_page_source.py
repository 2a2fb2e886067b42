"""Photos by their path: only below the folder that the service names, wherever links lead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.page_source import MAX_LISTED, PhotoFile, list_folder, local_photo

SECRET = b"secret-7e1b"
MOST = 1000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with photos, and beside it what nobody may see."""
    root = tmp_path / "photos"
    (root / "2026" / "May").mkdir(parents=True)
    (root / "2026" / "May" / "b.JPG").write_bytes(b"b")
    (root / "a.heic").write_bytes(b"a")
    (root / "notes.txt").write_text("notes")
    (root / ".DS_Store").write_bytes(b"x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(SECRET)
    (tmp_path / "photos-of-others").mkdir()
    (tmp_path / "photos-of-others" / "secret.jpg").write_bytes(SECRET)
    return root.resolve()


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There is no photo in"):
        list_folder(tmp_path.resolve(), "")


def test_photos_are_listed_and_what_is_none_is_counted(root: Path) -> None:
    listing = list_folder(root, "")
    assert listing.photos == ["2026/May/b.JPG", "a.heic"]
    assert listing.skipped == {"text or notes": 1}
    assert list_folder(root, "2026/May/").photos == ["2026/May/b.JPG"]
    assert local_photo(root, "2026/May/b.JPG").read(MOST) == b"b"


@pytest.mark.parametrize(
    "name",
    ["..", "../outside", "2026/../../outside", "/etc", "//etc", "../photos-of-others", "a\0b",
     "2026/May/../../../outside", "C:/x/../../..", "~", "$HOME", "nothing", "a.heic", "x" * 900],
)  # fmt: skip
def test_no_name_leads_out(root: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as told:
        list_folder(root, name)
    assert str(root.parent) not in str(told.value)  # nor does it tell where the folder is
    with pytest.raises((ValueError, OSError)):
        local_photo(root, f"{name}/secret.jpg").read(MOST)


def test_links_lead_nowhere_else(root: Path) -> None:
    outside = root.parent / "outside"
    (root / "away").symlink_to(outside)
    (root / "away.jpg").symlink_to(outside / "secret.jpg")
    (root / "up").symlink_to("..")
    (root / "circle").symlink_to("circle")
    (root / "inside.jpg").symlink_to("2026/May/b.JPG")
    os.mkfifo(root / "pipe.jpg")
    listing = list_folder(root, "")
    assert "away/secret.jpg" not in listing.photos
    assert listing.skipped["a link to a folder"] == 2
    for name in ("away", "up", "circle", "up/outside"):
        with pytest.raises(ValueError, match=r"is not below|There is no folder"):
            list_folder(root, name)
    for name in ("away.jpg", "away/secret.jpg", "up/outside/secret.jpg"):
        with pytest.raises(ValueError, match="is not below the folder"):
            local_photo(root, name).read(MOST)
    for name in ("circle", "pipe.jpg", "2026"):
        with pytest.raises(OSError, match=r"."):
            local_photo(root, name).read(MOST)
    assert local_photo(root, "inside.jpg").read(MOST) == b"b"


def test_a_link_that_is_exchanged_while_it_is_opened(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened it leads outside, looked at it is an honest photo: the open file is what counts."""
    import service.page_source as source

    honest, opened = root / "a.heic", source.open_regular
    monkeypatch.setattr(
        source, "open_regular", lambda _p: opened(root.parent / "outside/secret.jpg")
    )
    with pytest.raises(ValueError, match="is not below the folder"):
        PhotoFile(honest, "a.heic", root).read(MOST)


def test_what_is_too_large_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.heic is larger than"):
        local_photo(root, "a.heic").read(0)
    many = tmp_path / "many"
    many.mkdir()
    for number in range(MAX_LISTED + 1):
        (many / f"{number}.jpg").touch()
    with pytest.raises(ValueError, match="1001 photos; the page takes 1000"):
        list_folder(many.resolve(), "")
