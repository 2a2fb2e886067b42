"""What happens to new data while it is taken in: nothing that was not checked gets into the raw
set, and nothing that the raw set does not hold is removed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError
from sparrow.data.ingest import ingest
from sparrow.data.ingest.batch import MERGED
from sparrow.data.ingest.ingest import ingest_new

Change = Callable[[Path], Any]


def snapshot(folder: Path) -> dict[str, bytes]:
    files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def after_the_check(monkeypatch: pytest.MonkeyPatch, change: Callable[[], Any]) -> None:
    """``change`` runs when the batch has been checked and before anything is merged."""
    merge = ingest.merge_batch

    def merge_later(*sets: Any) -> Any:
        change()
        return merge(*sets)

    monkeypatch.setattr(ingest, "merge_batch", merge_later)


def edit_in_place(photo: Path) -> None:
    with photo.open("r+b") as file:
        file.seek(-20, os.SEEK_END)
        file.write(b"another ending")


def edit_in_place_and_put_the_time_back(photo: Path) -> None:
    status = photo.stat()
    edit_in_place(photo)
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))


def become_a_pipe(photo: Path) -> None:
    photo.unlink()
    os.mkfifo(photo)


def become_a_link_to_another(photo: Path) -> None:
    photo.unlink()
    photo.symlink_to("photo101.png")


CHANGES: list[Change] = [
    edit_in_place,
    edit_in_place_and_put_the_time_back,
    become_a_pipe,
    become_a_link_to_another,
    Path.unlink,
    lambda photo: photo.write_bytes(b""),
    lambda photo: photo.write_bytes(photo.read_bytes() + b"\0"),
    lambda photo: (photo.unlink(), photo.mkdir()),
    lambda photo: shutil.copy(photo.with_name("photo102.png"), photo),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_photo_that_changes_after_its_check_is_not_taken(
    config: DataConfig, photos: Any, new: Any, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    raw = snapshot(photos.write())
    photo = new.write() / "images" / "photo100.png"
    after_the_check(monkeypatch, lambda: change(photo))
    with pytest.raises(DataError, match=r"photo100\.png: changed after it had been checked"):
        ingest_new(config)
    assert snapshot(photos.root) == raw
    assert {"photo101.png", "photo102.png", "photo103.png"} <= set(os.listdir(new.root / "images"))
    monkeypatch.undo()
    shutil.rmtree(new.root)
    new.write()
    assert len(ingest_new(config).accepted) == 4  # nothing is blocked afterwards
    assert check_dataset(photos.root, config).report.ok


def test_who_still_has_a_new_photo_open_cannot_change_the_raw_set(
    config: DataConfig, photos: Any, new: Any
) -> None:
    photos.write()
    new.write()
    with (new.root / "images" / "photo100.png").open("r+b") as writer:
        ingest_new(config)
        writer.write(b"late")
    assert check_dataset(photos.root, config).report.ok


LATE = [
    ("images/late.png", b"a photo that came late"),
    ("images/photo103.png", b"a known photo, edited late"),
    ("new_image_info.csv", b"Name,Author\nlate.png,Ada\n"),
    ("bboxes/new_bounding_boxes.csv", b""),
]


@pytest.mark.parametrize(("name", "content"), LATE)
def test_what_comes_or_changes_after_the_merge_stays(
    config: DataConfig,
    photos: Any,
    new: Any,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
) -> None:
    photos.write()
    new.write()
    write = ingest._write

    def write_and_change(*values: Any) -> str:
        version = write(*values)
        (new.root / name).write_bytes(content)
        return version

    monkeypatch.setattr(ingest, "_write", write_and_change)
    result = ingest_new(config)
    assert len(result.accepted) == 4
    assert name in result.left
    assert (new.root / name).read_bytes() == content
    assert check_dataset(photos.root, config).report.ok
    assert not (new.root / MERGED).exists()
    if name != LATE[0][0]:
        return
    # Without a table there is no batch yet, and nobody takes the photo away.
    again = ingest_new(config)
    assert (again.accepted, again.report, again.left) == ((), None, (name,))
    assert "1 files stay in the folder of new data: images/late.png" in again.words()
    assert (new.root / name).read_bytes() == content
    assert not Path(config.rejected).exists()


@pytest.mark.parametrize("name", ["images/b.png", "images/more/b.png", "bboxes/notes.txt", "b.png"])
def test_what_no_table_names_is_never_deleted(
    config: DataConfig, photos: Any, new: Any, name: str
) -> None:
    photos.write()
    new.write()
    extra = new.root / name
    extra.parent.mkdir(exist_ok=True)
    shutil.copy(photos.root / "images" / "photo001.png", extra)
    in_images = name.startswith("images/")
    if in_images:  # a table should name it: refused, with all that came
        with pytest.raises(DataError, match="photo-unlisted"):
            ingest_new(config)
        (place,) = Path(config.rejected).iterdir()
        extra = place / name
        assert not new.root.exists()
    else:
        assert len(ingest_new(config).accepted) == 4
    assert extra.read_bytes() == (photos.root / "images" / "photo001.png").read_bytes()
    for _ in range(2):
        assert ingest_new(config).accepted == ()
    assert extra.exists()


def test_a_removal_that_was_killed_is_completed(config: DataConfig, photos: Any, new: Any) -> None:
    photos.write()
    new.write()
    child = os.fork()
    if not child:
        unlink = Path.unlink

        def kill(path: Path, missing_ok: bool = False) -> None:
            if path.name == "photo102.png":
                os.kill(os.getpid(), signal.SIGKILL)
            unlink(path, missing_ok)

        Path.unlink = kill  # type: ignore[method-assign]
        try:
            ingest_new(config)
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert (new.root / MERGED).exists()
    result = ingest_new(config)
    assert (result.accepted, result.report) == ((), None)
    assert not new.root.exists()
    assert len(check_dataset(photos.root, config).dataset.images) == 10


@pytest.mark.parametrize(
    "note", ["", "[]", '{"files": {"../raw/image_info.csv": "HASH"}}', '{"files": 3}', "\0" * 99]
)
def test_a_note_that_is_not_ours_removes_nothing(
    config: DataConfig, photos: Any, new: Any, note: str
) -> None:
    import hashlib

    raw = snapshot(photos.write())
    content = hashlib.sha256((photos.root / "image_info.csv").read_bytes()).hexdigest()
    new.root.mkdir()
    (new.root / MERGED).write_text(note.replace("HASH", content))
    (new.root / "notes.txt").write_text("by the pond")
    ingest_new(config)
    assert {name: snapshot(photos.root)[name] for name in raw} == raw
    assert snapshot(new.root) == {"notes.txt": b"by the pond"}


def test_a_batch_that_cannot_be_removed_stops_nothing(
    config: DataConfig, photos: Any, new: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    photos.write()
    new.write()

    def read_only(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "unlink", read_only)
    for known in (0, 4):
        result = ingest_new(config)
        assert (result.skipped_known, len(result.left)) == (known, 6)
        assert "its files cannot be removed" in caplog.text
    monkeypatch.undo()
    assert ingest_new(config).left == ()
    assert not new.root.exists()


def link_new(new: Any, tmp_path: Path) -> Path:
    """The batch lies outside; ``config.new`` is a link to it."""
    outside = tmp_path / "inbox"
    new.write().rename(outside)
    new.root.symlink_to(outside, target_is_directory=True)
    return outside


def test_new_data_may_be_a_link(config: DataConfig, photos: Any, new: Any, tmp_path: Path) -> None:
    photos.write()
    outside = link_new(new, tmp_path)
    (outside / "notes.txt").write_text("by the pond")
    assert len(ingest_new(config).accepted) == 4
    assert snapshot(outside) == {"notes.txt": b"by the pond"}
    assert ingest_new(config) == ingest_new(config)  # no error on any later run
    assert new.root.is_symlink()
    new.first = 200
    new.write()  # through the link, and the same photos again
    assert ingest_new(config).skipped_known == 4


def test_a_linked_batch_that_fails_is_kept(
    config: DataConfig, photos: Any, new: Any, tmp_path: Path
) -> None:
    photos.write()
    new.boxes.loc[0, "bbox_width"] = -1
    batch = snapshot(link_new(new, tmp_path))
    with pytest.raises(DataError, match="The batch and its report are in"):
        ingest_new(config)
    (place,) = Path(config.rejected).iterdir()
    kept = snapshot(place)
    assert {name: kept[name] for name in batch} == batch
    assert ingest_new(config).accepted == ()  # the link leads to an empty folder


def test_a_batch_that_cannot_be_moved_stays(
    config: DataConfig, photos: Any, new: Any, tmp_path: Path
) -> None:
    photos.write()
    new.boxes.loc[0, "bbox_width"] = -1
    batch = snapshot(new.write())
    (tmp_path / "rejected").write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"box-size-range[^$]*The batch stays in .*new"):
        ingest_new(config)
    kept = snapshot(new.root)
    assert {name: kept[name] for name in batch} == batch


def test_on_another_disk_a_failing_batch_is_copied_whole_before_it_goes(
    config: DataConfig, photos: Any, new: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos.write()
    new.boxes.loc[0, "bbox_width"] = -1
    batch = snapshot(new.write())
    rename = Path.rename

    def other_disk(path: Path, target: Path) -> Path:
        if path == new.root.resolve():
            raise OSError(18, "Invalid cross-device link", str(path))
        return rename(path, target)

    copy = shutil.copytree

    def copy_slowly(source: Path, target: Path, *rest: Any, **options: Any) -> Any:
        done = copy(source, target, *rest, **options)
        if Path(source) != new.root.resolve():
            return done
        (source / "images" / "late.png").write_bytes(b"came while the others were copied")
        (source / "images" / "photo101.png").write_bytes(b"edited meanwhile")
        return done

    monkeypatch.setattr(Path, "rename", other_disk)
    monkeypatch.setattr(shutil, "copytree", copy_slowly)
    with pytest.raises(DataError, match="The batch and its report are in"):
        ingest_new(config)
    (place,) = Path(config.rejected).iterdir()
    assert {name: snapshot(place)[name] for name in batch} == batch
    assert snapshot(new.root) == {
        "images/late.png": b"came while the others were copied",
        "images/photo101.png": b"edited meanwhile",
    }


@pytest.mark.parametrize("kind", ["photo", "folder", "raw photo", "raw folder"])
def test_a_link_becomes_a_copy_of_what_it_leads_to(
    config: DataConfig,
    photos: Any,
    new: Any,
    tmp_path: Path,
    kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    home = photos.write() if kind.startswith("raw") else new.write()
    if home == photos.root:
        new.write()
    outside = tmp_path / "outside"
    name = "photo001.png" if home == photos.root else "photo101.png"
    if kind.endswith("photo"):
        outside.mkdir()
        (home / "images" / name).rename(outside / name)
        (home / "images" / name).symlink_to(outside / name)
    else:
        (home / "images").rename(outside)
        (home / "images").symlink_to(outside, target_is_directory=True)
    photo = outside / name
    before = photo.read_bytes() if home == photos.root else None
    ingest_new(config)
    taken = Path(config.root) / "images" / name
    assert not taken.is_symlink()
    assert taken.stat().st_nlink == 1
    if before is not None:  # what lies outside is not ours: it stays
        edit_in_place(photo)
        assert taken.read_bytes() == before
        assert "files behind symbolic links are copied into the set" in caplog.text
        assert str(outside) in caplog.text
    else:
        assert "symbolic link" not in caplog.text
    assert check_dataset(Path(config.root), config).report.ok


PIPES = [
    "new_image_info.csv",
    "bboxes/new_bounding_boxes.csv",
    "images/photo100.png",
    ".merged.json",
]


@pytest.mark.parametrize("name", PIPES)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_pipe_or_device_never_holds_the_lock(
    config: DataConfig, photos: Any, new: Any, name: str, kind: str
) -> None:
    photos.write()
    path = new.write() / name
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    began = time.monotonic()
    if name == MERGED:  # ours alone: what else bears its name is no list of what may go
        assert len(ingest_new(config).accepted) == 4
    else:
        with pytest.raises(DataError, match=f"(?s){Path(name).name}.*this is a {kind}, not a file"):
            ingest_new(config)
        (place,) = Path(config.rejected).iterdir()
        assert json.loads((place / "report.json").read_text())["ok"] is False
    assert time.monotonic() - began < 60  # it ended at all
    assert ingest_new(config).accepted == ()  # and the lock is free


@pytest.mark.parametrize("kind", ["file", "pipe", "dangling link"])
def test_what_is_no_folder_is_said(
    config: DataConfig, photos: Any, tmp_path: Path, kind: str
) -> None:
    photos.write()
    place = Path(config.new)
    if kind == "file":
        place.write_text("photos")
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(tmp_path / "unplugged")
    with pytest.raises(DataError, match=r"new: (expected a folder|this link leads to)"):
        ingest_new(config)


@pytest.mark.parametrize("room_bytes", [0, 100, 1_000, 20_000])
def test_a_full_disk_changes_nothing(
    config: DataConfig, photos: Any, new: Any, room_bytes: int
) -> None:
    import resource

    raw, batch = snapshot(photos.write()), snapshot(new.write())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file can grow beyond it, as on a full disk; SQLite's cache of measurements neither.
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, limits[1]))
    try:
        if room_bytes < 20_000:
            with pytest.raises(DataError, match=r"raw: not changed, .*File too large"):
                ingest_new(config)
        else:
            assert len(ingest_new(config).accepted) == 4
            return
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert snapshot(photos.root) == raw
    assert snapshot(new.root) == batch
    assert sorted(path.name for path in photos.root.parent.iterdir()) == ["new", "prepared", "raw"]
    assert len(ingest_new(config).accepted) == 4
