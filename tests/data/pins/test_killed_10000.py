"""10,000 photos, pushed and pulled by commands that are killed (SIGKILL) five times each."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.fs as fs
import pytest
from pinned_sets import BUCKET, sparrow_data, write_config, write_photos

pytestmark = pytest.mark.push

PHOTOS = int(os.environ.get("SPARROW_PUSH_PHOTOS", "10000"))
KILLS = 5

Objects = dict[str, tuple[int, object]]  # SHA-256 -> bytes and time of writing


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pinned set."""
    folder = tmp_path_factory.mktemp("source")
    write_photos(folder / "raw", PHOTOS)
    finish(write_config(folder, None), "pin")
    return folder


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, fs.FileSystem, str]:
    """Address, file system and path in it of an empty store."""
    if request.param == "folder":
        (tmp_path / "store").mkdir()
        return str(tmp_path / "store"), fs.LocalFileSystem(), str(tmp_path / "store")
    server = request.getfixturevalue("s3")
    return f"s3://{BUCKET}/large set", server.filesystem(), f"{BUCKET}/large set"


def test_what_was_killed_is_completed(
    source: Path, store: tuple[str, fs.FileSystem, str], tmp_path: Path
) -> None:
    url, filesystem, base = store
    config = write_config(source, url)
    seen: Objects = {}
    for kill in range(1, KILLS + 1):
        push = sparrow_data(config, "push")
        kill_when(push, more_than(PHOTOS * kill // 7, lambda: len(objects(filesystem, base))))
        now = objects(filesystem, base)
        assert seen.items() <= now.items()  # nothing is written twice
        seen = now
        print(f"push killed with {len(now):,} objects there")
    said = finish(config, "push")
    now = objects(filesystem, base)
    assert seen.items() <= now.items()
    expected = contents(source / "raw")
    assert set(now) == set(expected)
    assert f"{len(seen):,} there already" in said
    assert all(sha256(read(filesystem, base, name)) == name for name in now)  # nothing is torn
    assert sum(size for size, _ in now.values()) == sum(expected.values())
    assert "0 objects written" in finish(config, "push")
    assert incomplete(filesystem, base) == []
    pull_killed(source, url, tmp_path / "clone")


def pull_killed(source: Path, url: str, clone: Path) -> None:
    """The same for the way back, into a clone that has only the pointer."""
    config = write_config(clone, url)
    shutil.copy(source / "raw.version", clone)
    fetched, incoming = clone / "raw.fetched", clone / "raw.incoming"
    seen: dict[str, int] = {}
    for kill in range(1, KILLS + 1):
        pull = sparrow_data(config, "pull")
        fetching = more_than(PHOTOS * kill // 7, lambda: len(whole(fetched)))
        kill_when(pull, fetching if kill < KILLS else incoming.exists)  # the last while it is built
        now = whole(fetched)
        assert seen.items() <= now.items()
        assert all(sha256((fetched / name).read_bytes()) == name for name in now)
        assert not (clone / "raw").exists()  # as it was
        seen = now
        print(f"pull killed with {len(now):,} objects fetched")
    finish(config, "pull")
    assert tree(clone / "raw") == tree(source / "raw")
    assert {path.name for path in clone.iterdir()} <= {
        "raw", "raw.version", "config.yaml", "prepared",
    }  # fmt: skip
    assert "is what the pointer says" in finish(config, "status")


def finish(config: Path, *arguments: str) -> str:
    """Run a command to its end; what it printed."""
    started = time.monotonic()
    process = sparrow_data(config, *arguments)
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    print(f"{arguments[0]}, {time.monotonic() - started:.1f} s: {out.splitlines()[-1]}")
    return out


def kill_when(process: subprocess.Popen[str], due: Callable[[], bool]) -> None:
    while process.poll() is None and not due():
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()
    process.kill()
    process.communicate()


def more_than(number: int, count: Callable[[], int]) -> Callable[[], bool]:
    return lambda: count() > number


def objects(filesystem: fs.FileSystem, base: str) -> Objects:
    """What the store has."""
    selector = fs.FileSelector(f"{base}/objects", recursive=True, allow_not_found=True)
    infos = filesystem.get_file_info(selector)
    return {i.base_name: (i.size, i.mtime_ns) for i in infos if i.type == fs.FileType.File}


def incomplete(filesystem: fs.FileSystem, base: str) -> list[str]:
    """Files of the store that are no objects."""
    infos = filesystem.get_file_info(fs.FileSelector(base, recursive=True))
    files = [info.path for info in infos if info.type == fs.FileType.File]
    return [path for path in files if not path.startswith(f"{base}/objects/")]


def read(filesystem: fs.FileSystem, base: str, name: str) -> bytes:
    with filesystem.open_input_file(f"{base}/objects/{name[:2]}/{name}") as file:
        return bytes(file.read())


def contents(root: Path) -> dict[str, int]:
    """SHA-256 -> bytes of everything that is pushed: all of the set but its log."""
    paths = [p for p in root.rglob("*") if p.is_file() and p.name != "log.jsonl"]
    return {sha256(path.read_bytes()): path.stat().st_size for path in paths}


def whole(folder: Path) -> dict[str, int]:
    """Name -> inode of the files that are complete."""
    paths = folder.glob("*") if folder.exists() else iter(())
    return {path.name: path.stat().st_ino for path in paths if len(path.name) == 64}


def tree(root: Path) -> dict[str, str]:
    """Path -> SHA-256 of every file."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): sha256(path.read_bytes()) for path in files}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
