"""Push and pull a set in processes that are killed (SIGKILL) at chosen file operations.

usage: kill_transfers.py FOLDER PHOTOS KILLS SEED

A set is pinned in ``FOLDER/raw``. Pushes to ``FOLDER/store`` are killed, each a bit further on,
until the last may end; then pulls into ``FOLDER/clone/raw``. Prints a JSON line for each.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).parents[2]))

from pinned_sets import write_photos

from sparrow.config import DataConfig
from sparrow.data.pins.pin import pin
from sparrow.data.pins.pull import pull
from sparrow.data.pins.push import push

WATCHED = ("open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "ctypes.")


def main(folder: Path, photos: int, kills: int, seed: int) -> None:
    """See the module."""
    write_photos(folder / "raw", photos)
    (folder / "store").mkdir()
    (folder / "clone").mkdir()
    source, clone = config_of(folder), config_of(folder / "clone")
    pinned = pin(source)
    shutil.copy(pinned.path, folder / "clone")
    store, draw = str(folder / "store"), random.Random(seed)
    objects = folder / "store" / "objects"
    for name, work, place in (
        ("push", lambda: push(source, store), objects),
        ("pull", lambda: pull(clone, store), folder / "clone" / "raw.fetched"),
    ):
        for _ in range(kills):
            # A push opens a file of the set and one of the store for each object, a pull one.
            before, killed = whole(place), in_child(work, draw.randint(photos // 4, photos))
            now = whole(place)
            same = before.items() <= now.items()
            torn = [path for path in now if sha256(place, path) != Path(path).name]
            root = (folder / "clone" / "raw").exists()
            line = {"of": name, "killed": killed, "kept": same, "torn": torn, "root": root}
            print(json.dumps(line | {"whole": len(now)}), flush=True)
        print(json.dumps({"of": name, "killed": in_child(work, None)}), flush=True)
        if name == "push":
            print(json.dumps({"kept": whole(place).items() >= now.items()}), flush=True)


def config_of(folder: Path) -> DataConfig:
    """Everything below the folder."""
    names = ("root", "new", "rejected", "prepared")
    places = {name: str(folder / ("raw" if name == "root" else name)) for name in names}
    return DataConfig(**places)


def whole(folder: Path) -> dict[str, int]:
    """Path below the folder -> inode, of its files whose name is that of a content."""
    files = [path for path in folder.rglob("*") if path.is_file() and len(path.name) == 64]
    return {str(path.relative_to(folder)): path.stat().st_ino for path in files}


def sha256(folder: Path, path: str) -> str:
    return hashlib.sha256((folder / path).read_bytes()).hexdigest()


def in_child(work: Callable[[], object], kill_at: int | None) -> bool:
    """Do the work in a forked process; whether that was killed before its end."""
    child = os.fork()
    if not child:
        operations = 0

        def watch(event: str, _: tuple[object, ...]) -> None:
            nonlocal operations
            if event.startswith(WATCHED):
                operations += 1
                if kill_at is not None and operations >= kill_at:  # several threads count
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if status and not os.WIFSIGNALED(status):
        raise SystemExit("the work failed; see above")
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
