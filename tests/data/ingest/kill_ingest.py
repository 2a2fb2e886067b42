"""Run intakes that are killed (SIGKILL) at chosen file operations, each in a process of its own.

usage: kill_intake.py FOLDER KILLS SEED

``FOLDER`` holds ``raw`` and ``new``. One intake runs to its end to count its file operations; then
``KILLS`` random ones are chosen, and for each a fresh copy is taken in, killed just before that
operation, checked, taken in again and checked again. Prints a JSON line per kill.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from pathlib import Path

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.tables import data_version

# A lock that was held is taken over by the next; ``new`` may stay, as an empty folder.
EXPECTED = {"raw", ".raw.lock", "new", ".new.lock"}
WATCHED = (
    "open",
    "os.rename",
    "os.link",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "shutil.",
    "ctypes.",
)


def main(folder: Path, kills: int, seed: int) -> None:
    """See the module."""
    config = fresh_copy(folder, folder / "whole")
    before = version(config)
    ingest_new(config)  # whatever is imported or measured once is so before operations are counted
    config = fresh_copy(folder, folder / "whole")
    operations = in_child(config, kill_at=None)
    after = version(config)
    for moment in sorted(random.Random(seed).sample(range(1, operations + 1), kills)):
        config = fresh_copy(folder, folder / "killed")
        in_child(config, kill_at=moment)
        found = version(config)
        ingest_new(config)
        result = {
            "operation": moment,
            "of": operations,
            "valid": found in (before, after),
            "completed": version(config) == after and not files(Path(config.new)),
            "remains": sorted(
                p.name for p in Path(config.root).parent.iterdir() if p.name not in EXPECTED
            ),
        }
        print(json.dumps(result), flush=True)


def files(folder: Path) -> list[Path]:
    """Whatever is in it that is no folder."""
    return [path for path in folder.rglob("*") if not path.is_dir()]


def fresh_copy(folder: Path, place: Path) -> DataConfig:
    """The untouched sets in a new place."""
    shutil.rmtree(place, ignore_errors=True)
    for part in ("raw", "new"):
        shutil.copytree(folder / part, place / part)
    return DataConfig(
        root=str(place / "raw"),
        new=str(place / "new"),
        rejected=str(place / "rejected"),
        prepared=str(folder / "prepared"),
        extensions=(".png", ".jpg"),
    )


def version(config: DataConfig) -> str:
    """Of the raw set, which must pass its checks without a word about errors."""
    return data_version(check_dataset(Path(config.root), config).dataset)


def in_child(config: DataConfig, kill_at: int | None) -> int:
    """Take in, in a forked process; the number of file operations it began."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        operations = 0

        def watch(event: str, _: tuple[object, ...]) -> None:
            nonlocal operations
            if event.startswith(WATCHED):
                operations += 1
                if operations == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        try:
            ingest_new(config)
            os.write(writer, str(operations).encode())
        finally:
            os._exit(0)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    killed = os.WIFSIGNALED(status)
    if killed != (kill_at is not None):
        raise SystemExit(f"the intake was expected to be killed at {kill_at}; status {status}")
    return int(text or 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
